#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <unordered_map>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/data_source/table_facts.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

/// Column indices by role; -1: none.
struct Roles {
  int genre = -1, label = -1, track_id = -1, filename = -1, artist = -1, album = -1, split = -1, path = -1;

  explicit Roles(const std::vector<std::string_view>& header) {
    const std::map<std::string, int*> by_word = {{"genre", &genre},       {"label", &label},   {"track_id", &track_id},
                                                 {"filename", &filename}, {"artist", &artist}, {"album", &album},
                                                 {"split", &split},       {"path", &path}};
    for (std::size_t i = 0; i < header.size(); ++i) {
      const auto found = by_word.find(lower_case(trimmed(header[i])));
      if (found != by_word.end() && *found->second < 0) *found->second = static_cast<int>(i);
    }
  }
  int genre_column() const { return genre >= 0 ? genre : label; }
  bool has(std::size_t column) const {
    const int i = static_cast<int>(column);
    return i == genre || i == label || i == track_id || i == filename || i == artist || i == album || i == split ||
           i == path;
  }
};

/// A column that may be a feature: its numbers, and its first cell that is not a number.
struct Candidate {
  std::size_t index;  // in the header
  std::string name;
  std::vector<float> values;
  std::size_t numbers = 0, bad_line = 0;
  std::string bad_cell;

  void add(std::string_view cell, std::size_t line) {
    double value = 0;
    const bool number = parse_number(trimmed(cell), value);
    numbers += number;
    values.push_back(static_cast<float>(value));
    if ((!number || !std::isfinite(values.back())) && bad_line == 0) {
      bad_line = line;
      bad_cell = cell.substr(0, 40);
    }
  }
  bool is_feature() const { return 2 * numbers > values.size(); }
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
    roles_.emplace(header);
    width_ = header.size();
    if (roles_->genre_column() < 0)
      throw Error("has no column named genre or label", csv_.name() + ":1", "rename the column with the genres");
    for (std::size_t i = 0; i < header.size(); ++i) {
      const std::string name(trimmed(header[i]));
      if (roles_->has(i) || name.empty() || name.starts_with("Unnamed:")) continue;
      if (std::ranges::any_of(candidates_, [&](const Candidate& other) { return other.name == name; }))
        throw Error("two columns are named '" + name + "'", csv_.name() + ":1", "rename one of them");
      candidates_.push_back({i, name, {}, 0, 0, {}});
    }
  }

  Examples read() {
    for (std::vector<std::string_view> row; csv_.next(row);) add(row);
    if (genres_.empty()) throw Error("has a header but no rows", csv_.name());
    Examples examples;
    take_features(examples.table);
    take_labels();
    examples.table.track_ids = subjects_.ids;
    examples.labels = subjects_.labels_by_name;
    examples.subjects = std::move(subjects_);
    return examples;
  }

 private:
  [[noreturn]] void fail(const std::string& problem, const std::string& remedy = {}) const {
    throw Error(problem, csv_.name() + ":" + std::to_string(csv_.line()), remedy);
  }

  void add(const std::vector<std::string_view>& row) {
    if (row.size() != width_)
      fail("the row has " + std::to_string(row.size()) + " cells, the header " + std::to_string(width_));
    const auto cell = [&](int column) {
      return column < 0 ? std::string_view() : trimmed(row[static_cast<std::size_t>(column)]);
    };
    genres_.emplace_back(cell(roles_->genre_column()));
    if (genres_.back().empty()) fail("the row has no genre", "fill it in or remove the row");
    subjects_.artists.emplace_back(cell(roles_->artist));
    subjects_.albums.emplace_back(cell(roles_->album));
    subjects_.official.push_back(part(cell(roles_->split)));
    add_id(cell(roles_->track_id), cell(roles_->filename));
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
    const bool named = roles_->track_id >= 0 || roles_->filename >= 0;
    std::string id(roles_->track_id >= 0 ? track_id : filename);
    if (!named) id = std::to_string(genres_.size());
    if (id.empty()) fail("the row has no " + std::string(roles_->track_id >= 0 ? "track_id" : "filename"));
    const auto [other, fresh] = line_of_.emplace(id, csv_.line());
    if (!fresh) fail("'" + id + "' was also in line " + std::to_string(other->second), "give every row a unique id");
    subjects_.tracks.push_back(filename.empty() ? id : file_of_clip(filename));
    subjects_.ids.push_back(std::move(id));
  }

  void take_features(FeatureTable& table) {
    std::erase_if(candidates_, [](const Candidate& candidate) { return !candidate.is_feature(); });
    if (candidates_.empty()) throw Error("has no column of numbers", csv_.name(), "features are columns of numbers");
    std::string names;
    for (const Candidate& candidate : candidates_) {
      if (candidate.bad_line > 0)
        throw Error("column '" + candidate.name + "' has " +
                        (trimmed(candidate.bad_cell).empty() ? "an empty cell" : "'" + candidate.bad_cell + "'") +
                        " instead of a finite number",
                    csv_.name() + ":" + std::to_string(candidate.bad_line),
                    "correct it, or remove the row or the column");
      table.columns.push_back({candidate.name, "", ""});
      append_csv_field(names, candidate.name);
      names += '\n';
    }
    table.recipe = {"table", 1, sha256_hex(names)};
    table.values = Matrix(genres_.size(), candidates_.size());
    for (std::size_t j = 0; j < candidates_.size(); ++j)
      for (std::size_t i = 0; i < genres_.size(); ++i) table.values(i, j) = candidates_[j].values[i];
  }

  void take_labels() {
    auto& names = subjects_.labels_by_name;
    names = genres_;
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    for (const std::string& genre : genres_)
      subjects_.labels.push_back(static_cast<int>(std::ranges::lower_bound(names, genre) - names.begin()));
  }

  CsvReader csv_;
  std::optional<Roles> roles_;
  std::size_t width_ = 0;
  std::vector<Candidate> candidates_;
  std::vector<std::string> genres_;  // by row
  SplitSubjects subjects_;
  std::unordered_map<std::string, std::size_t> line_of_;  // by id
};

/// Empty if there is no such file.
std::string first_line(const std::filesystem::path& path) {
  if (!find_file(path)) return {};
  const auto file = open_file(path);
  constexpr std::size_t kPieceBytes = 64 << 10, kLongestHeader = 4 << 20;  // enough for 90,370 columns
  std::string line;
  while (line.find('\n') == std::string::npos && line.size() < std::min<std::uint64_t>(kLongestHeader, file->size())) {
    const std::size_t before = line.size();
    line.resize(before + kPieceBytes);
    line.resize(before + file->read_at(before, std::as_writable_bytes(std::span(line).subspan(before))));
  }
  line.resize(std::min(line.find('\n'), line.size()));
  return line;
}

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
  return line.starts_with("feature,") || line.starts_with(",echonest,");  // FMA's features.csv and echonest.csv
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
  if (is_feature_table(path)) return facts_with_genres(path).has_value();
  const std::string line = first_line(path);
  std::vector<std::string_view> header;
  try {
    CsvReader reader(line, path.string());
    if (!reader.next(header)) return false;
  } catch (const Error&) {  // an unclosed quote: not the header of a table
    return false;
  }
  const Roles roles(header);
  return roles.genre_column() >= 0 && roles.path < 0;
}

}  // namespace genrewise
