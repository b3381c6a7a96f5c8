#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/data_source/table_facts.hpp"
#include "genrewise/dataset/csv_columns.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

/// A column that may be a feature: its numbers, and its first cell that is not a number.
struct Candidate {
  std::size_t index;  // in the header
  std::string name;
  std::vector<double> values = {};
  std::size_t numbers = 0, bad_line = 0;  // numbers: including those with a decimal comma
  std::string bad_cell = {};

  void add(std::string_view cell, std::size_t line) {
    double value = 0;
    cell = trimmed(cell);
    const bool number = parse_number(cell, value);
    numbers += number || has_decimal_comma(cell);
    values.push_back(value);
    if ((!number || !fits_float32(value)) && bad_line == 0) {
      bad_line = line;
      bad_cell = short_text(cell, 40);
    }
  }
  bool is_feature() const { return 2 * numbers > values.size(); }

  /// What is wrong with the bad cell.
  std::string problem() const {
    double value = 0;
    if (bad_cell.empty()) return "an empty cell instead of a number";
    if (has_decimal_comma(bad_cell)) return "'" + bad_cell + "', a number with a decimal comma instead of a point";
    if (parse_number(bad_cell, value) && std::isfinite(value))
      return "'" + bad_cell + "', which exceeds the float32 range of 3.4e38";
    return "'" + bad_cell + "' instead of a finite number";
  }

 private:
  static bool has_decimal_comma(std::string_view cell) {
    if (cell.find(',') == std::string_view::npos) return false;
    double value = 0;
    std::string with_point(cell);
    std::ranges::replace(with_point, ',', '.');
    return parse_number(with_point, value);
  }
};

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// The file that a row's clip was cut from. GTZAN's three-second table numbers the clips before the extension:
// "blues.00000.3.wav". Ten rows of one recording in different parts of a split are its best-known fault.
std::string file_of_clip(std::string_view filename) {
  const std::size_t ending = filename.rfind('.');
  const std::size_t clip = ending == std::string_view::npos ? ending : filename.rfind('.', ending - 1);
  if (ending == 0 || clip == std::string_view::npos || clip == 0) return std::string(filename);
  const std::size_t track = filename.rfind('.', clip - 1);
  const bool counted = track != std::string_view::npos && is_digits(filename.substr(clip + 1, ending - clip - 1)) &&
                       is_digits(filename.substr(track + 1, clip - track - 1));
  return std::string(counted ? filename.substr(0, clip) : filename);
}

class TableReader {
 public:
  TableReader(std::string_view text, const std::filesystem::path& path) : csv_(text, path.string()) {
    std::vector<std::string_view> header;
    if (!csv_.next(header)) throw Error("is empty", csv_.name(), "a table needs a header row and a row per example");
    const CsvColumns columns(header);
    for (const auto& [column, meaning] :
         {std::pair(&genre_, "genre"), std::pair(&track_id_, "track_id"), std::pair(&filename_, "filename"),
          std::pair(&artist_, "artist"), std::pair(&album_, "album"), std::pair(&split_, "split")}) {
      *column = columns.find(meaning);
    }
    width_ = header.size();
    if (!genre_)
      throw Error("has no column named genre or label", csv_.name() + ":1", "rename the column with the genres");
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (columns.is_described(i)) continue;
      candidates_.push_back({.index = i, .name = std::string(trimmed(header[i]))});
    }
    require_distinct_names();
  }

  Examples read() {
    for (std::vector<std::string_view> row; csv_.next(row);) add(row);
    if (genres_.empty()) throw Error("has a header but no rows", csv_.name());
    Examples examples;
    take_features(examples.table);
    set_labels(subjects_, genres_);
    examples.table.track_ids = subjects_.ids;
    examples.labels = subjects_.labels_by_name;
    examples.subjects = std::move(subjects_);
    return examples;
  }

 private:
  void require_distinct_names() const {
    std::set<std::string_view> names;
    for (const Candidate& candidate : candidates_) {
      if (names.insert(candidate.name).second) continue;
      throw Error("two columns are named '" + candidate.name + "'", csv_.name() + ":1", "rename one of them");
    }
  }

  [[noreturn]] void fail(const std::string& problem, const std::string& remedy = {}) const {
    throw Error(problem, csv_.name() + ":" + std::to_string(csv_.line()), remedy);
  }

  void add(const std::vector<std::string_view>& row) {
    if (row.size() != width_)
      fail("the row has " + std::to_string(row.size()) + " cells, the header " + std::to_string(width_));
    const auto cell = [&](const std::optional<std::size_t>& column) {
      return column ? trimmed(row[*column]) : std::string_view();
    };
    genres_.emplace_back(cell(genre_));
    if (genres_.back().empty()) fail("the row has no genre", "fill it in or remove the row");
    subjects_.artists.emplace_back(cell(artist_));
    subjects_.albums.emplace_back(cell(album_));
    subjects_.official.push_back(part(cell(split_)));
    add_id(cell(track_id_), cell(filename_));
    for (Candidate& candidate : candidates_) candidate.add(row[candidate.index], csv_.line());
  }

  std::optional<Part> part(std::string_view word) const {
    if (word.empty()) return std::nullopt;
    const auto part = parse_part(word);
    if (!part)
      fail("'" + std::string(word) + "' is not a part of a split", "write training, validation, test or nothing");
    return part;
  }

  void add_id(std::string_view track_id, std::string_view filename) {
    std::string id(track_id_ ? track_id : filename);
    if (!track_id_ && !filename_) id = std::to_string(genres_.size());
    if (id.empty()) fail("the row has no " + std::string(track_id_ ? "track_id" : "filename"));
    const auto [other, fresh] = line_of_.emplace(id, csv_.line());
    if (!fresh) fail("'" + id + "' was also in line " + std::to_string(other->second), "give every row a unique id");
    subjects_.tracks.push_back(filename.empty() ? id : file_of_clip(filename));
    subjects_.ids.push_back(std::move(id));
  }

  void take_features(FeatureTable& table) {
    std::erase_if(candidates_, [](const Candidate& candidate) { return !candidate.is_feature(); });
    if (candidates_.empty())
      throw Error("has no column of numbers", csv_.name(),
                  "features are columns of numbers; in a list of clips the column with the files is named path");
    std::string names;
    for (const Candidate& candidate : candidates_) {
      if (candidate.bad_line > 0)
        throw Error("column '" + candidate.name + "' has " + candidate.problem(),
                    csv_.name() + ":" + std::to_string(candidate.bad_line),
                    "correct it, or remove the row or the column");
      table.columns.push_back({candidate.name, "", ""});
      append_csv_field(names, candidate.name);
      names += '\n';
    }
    table.recipe = {"table", 1, sha256_hex(names)};
    table.values = Matrix(genres_.size(), candidates_.size());
    std::vector<double> offsets;
    for (const Candidate& candidate : candidates_) offsets.push_back(storage_offset(candidate.values));
    for (std::size_t j = 0; j < candidates_.size(); ++j) {
      for (std::size_t i = 0; i < genres_.size(); ++i)
        table.values(i, j) = static_cast<float>(candidates_[j].values[i] - offsets[j]);
      candidates_[j].values = {};  // frees its memory
    }
    if (std::ranges::any_of(offsets, [](double offset) { return offset != 0; })) table.offsets = std::move(offsets);
  }

  CsvReader csv_;
  std::optional<std::size_t> genre_, track_id_, filename_, artist_, album_, split_;  // columns by meaning
  std::size_t width_ = 0;
  std::vector<Candidate> candidates_;
  std::vector<std::string> genres_;  // by row
  SplitSubjects subjects_;
  std::unordered_map<std::string, std::size_t> line_of_;  // by id
};

std::optional<TableFacts> facts_with_genres(const std::filesystem::path& table) {
  auto facts = read_table_facts(table);
  if (facts && facts->subjects.labels_by_name.empty()) facts.reset();
  return facts;
}

}  // namespace

bool is_feature_table(const std::filesystem::path& path) {
  if (path.extension() == ".npy") return file_exists(path);
  if (path.extension() != ".csv") return false;
  const std::string line = first_line(path);
  if (line.starts_with(",echonest,")) return true;  // FMA's echonest.csv
  return line.starts_with("feature,") || line.starts_with("feature;") || line.starts_with("feature\t") ||
         line.starts_with("feature|");
}

Examples read_labelled_table(const std::filesystem::path& path) {
  if (is_feature_table(path)) {
    if (auto facts = facts_with_genres(path)) return examples_of(path, std::move(*facts));
    throw Error("is a feature table without the genres of its tracks", path.string(),
                "give the dataset as DATASET, and this table with --table");
  }
  const std::string text = read_file(path);
  Examples examples = TableReader(text, path).read();
  examples.name = path.filename().string();
  return examples;
}

bool is_labelled_table(const std::filesystem::path& path) {
  if (is_feature_table(path)) {
    try {
      return facts_with_genres(path).has_value();
    } catch (const Interrupted&) {
      throw;
    } catch (const Error&) {  // damaged facts, which are reported when the table is read
      return true;
    }
  }
  return read_csv_columns(path).is_labelled_table();
}

}  // namespace genrewise
