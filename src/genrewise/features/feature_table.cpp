#include "genrewise/features/feature_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "genrewise/base/byte_text.hpp"
#include "genrewise/base/csv.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/features/echonest_table.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/features/fma_columns.hpp"
#include "genrewise/features/npy.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "genrewise feature table";

/// Running mean and sum of squared deviations of a column (Welford).
struct Moments {
  double count = 0, mean = 0, squares = 0;

  void add(double value) {
    const double before = value - mean;
    mean += before / ++count;
    squares += before * (value - mean);
  }
  double offset() const {
    constexpr double kFarFromZero = 1000;  // standard deviations
    const double deviation = std::sqrt(squares / count);
    return deviation > 0 && std::fabs(mean) >= kFarFromZero * deviation ? mean : 0;
  }
};

std::vector<double> offsets_of(const std::vector<Moments>& columns) {
  std::vector<double> offsets;
  for (const Moments& column : columns) offsets.push_back(column.offset());
  if (std::ranges::all_of(offsets, [](double offset) { return offset == 0; })) offsets.clear();
  return offsets;
}

// Contents of "<path>.json".
struct Sidecar {
  FeatureRecipe recipe;
  std::vector<FeatureColumn> columns;
  std::vector<std::string> track_ids;
  std::optional<std::size_t> rows;  // of a CSV; this and the checksum: empty in sidecars of earlier versions
  std::string table_sha256;
};

std::optional<Sidecar> parse_sidecar(const std::filesystem::path& table) {
  const auto object = read_sidecar(table);
  if (!object) return std::nullopt;
  const std::string path = sidecar_path(table).string();
  return read_json(path, kSidecarRemedy, [&] {
    if (object->at("format") != kFormat) throw Error("does not describe a feature table", path, kSidecarRemedy);
    Sidecar sidecar;
    const json& recipe = object->at("recipe");
    sidecar.recipe = {recipe.at("name"), recipe.at("version"), recipe.at("hash")};
    if (object->contains("rows")) sidecar.rows = object->at("rows").get<std::size_t>();
    if (object->contains("track_ids")) sidecar.track_ids = any_texts(object->at("track_ids"));
    if (object->contains("columns")) {
      for (const json& column : object->at("columns"))
        sidecar.columns.push_back({any_text(column.at(0)), any_text(column.at(1)), any_text(column.at(2))});
    }
    sidecar.table_sha256 = object->value("table_sha256", "");
    return std::optional(std::move(sidecar));
  });
}

/// Throws Error if the checksum of the table is not that of the one that was written with the sidecar.
void require_unchanged(const std::filesystem::path& table, const Sidecar& sidecar, std::string_view sha256) {
  if (sidecar.table_sha256.empty() || sha256 == sidecar.table_sha256) return;
  const std::string name = sidecar_path(table.filename()).string();
  throw Error(
      fmt::format("was changed since it was extracted (its checksum is not the one in {})", name), table.string(),
      fmt::format("delete both files and extract it again; if the change is intended, remove the members sha256 "
                  "and table_sha256 from {}",
                  name));
}

const char* why_unfit(double value) {
  return std::isfinite(value) ? "exceeds the float32 range of 3.4e38" : "is not a finite number";
}

// Parses the numbers of one line after its id. Almost all lines of a table are such, without quotes, so they are
// parsed in place.
class RowParser {
 public:
  RowParser(const std::vector<FeatureColumn>& columns, std::string name) : columns_(columns), name_(std::move(name)) {}

  void parse(std::string_view cells, std::size_t line, std::span<double> values) const {
    const char* at = cells.data();
    const char* const end = at + cells.size();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0 && (at == end || *at++ != ',')) fail_count(line, i);
      // Parsed as double: a number that is too small for a float becomes 0 instead of an error.
      const auto [next, code] = std::from_chars(at, end, values[i]);
      const bool whole = code == std::errc() && (next == end || *next == ',');
      if (!whole || !fits_float32(values[i])) fail_cell(std::string_view(at, end), line, i, whole ? values[i] : NAN);
      at = next;
    }
    if (at != end) fail_count(line, values.size() + 1);
  }

 private:
  [[noreturn]] void fail_count(std::size_t line, std::size_t found) const {
    throw Error(fmt::format("this row has {} numbers, but there are {} columns",
                            found > columns_.size() ? "more" : std::to_string(found), columns_.size()),
                fmt::format("{}:{}", name_, line), "correct the row or extract the features again");
  }
  [[noreturn]] void fail_cell(std::string_view rest, std::size_t line, std::size_t column, double value) const {
    const std::string_view cell = rest.substr(0, std::min<std::size_t>(rest.find(','), 40));
    const FeatureColumn& name = columns_[column];
    throw Error(fmt::format("\"{}\" in column {} ({} {} {}) {}", cell, column + 2, name.feature, name.statistic,
                            name.number, why_unfit(value)),
                fmt::format("{}:{}", name_, line), "remove the row or extract the features again");
  }

  const std::vector<FeatureColumn>& columns_;
  std::string name_;
};

constexpr const char* kLayoutRemedy =
    "the first lines must be those of FMA's features.csv: feature,..., statistics,..., number,..., track_id,...";

std::vector<FeatureColumn> read_header(CsvReader& reader) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string_view> fields;
  for (const char* title : {"feature", "statistics", "number", "track_id"}) {
    if (!reader.next(fields) || fields[0] != title || (!rows.empty() && fields.size() != rows[0].size())) {
      throw Error(fmt::format("is not a feature table: the row \"{},...\" is missing or has another length", title),
                  fmt::format("{}:{}", reader.name(), reader.line()), kLayoutRemedy);
    }
    rows.emplace_back(fields.begin(), fields.end());
  }
  std::vector<FeatureColumn> columns;
  for (std::size_t i = 1; i < rows[0].size(); ++i) columns.push_back({rows[0][i], rows[1][i], rows[2][i]});
  if (columns.empty()) throw Error("has no columns of features", reader.name(), kLayoutRemedy);
  return columns;
}

// Removes a row's id and the comma after it from `text`. Only ids can be quoted, and may then contain line breaks.
std::string take_id(std::string_view& text, const std::string& name, std::size_t line) {
  if (!text.starts_with('"')) {
    const std::size_t end = std::min(text.find_first_of(",\n"), text.size());
    std::string id(text.substr(0, end));
    text.remove_prefix(text.substr(end).starts_with(',') ? end + 1 : end);
    return id;
  }
  std::string id;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] != '"') {
      id += text[at];
    } else if (text.substr(at + 1).starts_with('"')) {
      id += text[at++];
    } else {
      text.remove_prefix(text.substr(at + 1).starts_with(',') ? at + 2 : at + 1);
      return id;
    }
  }
  throw Error("a quoted id is never closed", fmt::format("{}:{}", name, line), "add the missing \"");
}

/// Parses all rows after the header, calls `add(values)` for each, and returns their ids.
template <class Add>
std::vector<std::string> read_rows(std::string_view rest, const RowParser& parser, std::size_t columns,
                                   const std::string& name, const Add& add) {
  std::vector<std::string> ids;
  std::vector<double> values(columns);
  for (std::size_t line = 5; !rest.empty(); ++line) {
    if (rest.starts_with('\n') || rest.starts_with("\r\n")) {
      rest.remove_prefix(rest.find('\n') + 1);
      continue;
    }
    std::string id = take_id(rest, name, line);
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view cells = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (cells.ends_with('\r')) cells.remove_suffix(1);
    parser.parse(cells, line, values);
    add(std::span<const double>(values));
    line += static_cast<std::size_t>(std::ranges::count(id, '\n'));
    ids.push_back(std::move(id));
  }
  return ids;
}

FeatureTable read_csv(const std::filesystem::path& path) {
  std::string text = read_file(path);
  if (is_echonest_table(text)) return read_echonest_table(text, path.string());
  const auto sidecar = parse_sidecar(path);
  const std::string sha256 = sidecar ? sha256_hex(text) : "";
  if (text.find('\n') == std::string::npos) std::ranges::replace(text, '\r', '\n');  // line ends of old Macintoshes
  CsvReader header(text, path.string());
  FeatureTable table;
  table.columns = read_header(header);
  if (header.separator() != ',') {
    throw Error(fmt::format("the fields of this feature table are separated by {}",
                            header.separator() == '\t' ? std::string("tabs") : fmt::format("'{}'", header.separator())),
                path.string(), "save it with commas");
  }
  // The header has four lines: no column name of genrewise or FMA contains a line break.
  std::string_view rest = text;
  for (int i = 0; i < 4; ++i) rest.remove_prefix(std::min(rest.find('\n') + 1, rest.size()));

  const RowParser parser(table.columns, path.string());
  std::vector<float> values;
  values.reserve(rest.size() / 18);                                  // FMA writes about 18 characters for a number
  std::vector<Moments> moments(sidecar ? 0 : table.columns.size());  // with it the numbers were float32 when written
  table.track_ids = read_rows(rest, parser, table.columns.size(), path.string(), [&](std::span<const double> row) {
    for (const double value : row) values.push_back(static_cast<float>(value));
    for (std::size_t j = 0; j < moments.size(); ++j) moments[j].add(row[j]);
  });
  table.offsets = offsets_of(moments);
  if (!table.offsets.empty()) {
    values.clear();
    read_rows(rest, parser, table.columns.size(), path.string(), [&](std::span<const double> row) {
      for (std::size_t j = 0; j < row.size(); ++j) values.push_back(static_cast<float>(row[j] - table.offsets[j]));
    });
  }
  table.values = Matrix(table.track_ids.size(), table.columns.size(), std::move(values));

  if (sidecar) {
    table.recipe = sidecar->recipe;
    if (sidecar->rows && *sidecar->rows != table.track_ids.size()) {
      throw Error(fmt::format("has {} rows, but {} states {}", table.track_ids.size(),
                              sidecar_path(path.filename()).string(), *sidecar->rows),
                  path.string(), "the table is truncated or was edited: delete both files and extract it again");
    }
    require_unchanged(path, *sidecar, sha256);
  } else if (table.columns == fma_columns()) {
    table.recipe = published_fma_recipe();
  } else {
    throw Error("the recipe of this table is unknown", path.string(),
                "keep " + sidecar_path(path.filename()).string() + " beside it, or extract the features again");
  }
  return table;
}

/// Throws Error for the first number that is not a finite float32.
template <class Number>
void require_finite(const FeatureTable& table, const std::vector<Number>& values, const std::string& name) {
  const auto bad = std::ranges::find_if_not(values, [](Number value) { return fits_float32(value); });
  if (bad == values.end()) return;
  const auto at = static_cast<std::size_t>(bad - values.begin());
  const std::size_t row = at / table.columns.size(), j = at % table.columns.size();
  const FeatureColumn& column = table.columns[j];
  throw Error(fmt::format("{} in row {} (track {}), column {} ({} {} {}) {}", *bad, row, table.track_ids[row], j,
                          column.feature, column.statistic, column.number, why_unfit(*bad)),
              name, "extract the features again");
}

/// The .npy file of a table.
class NpyFile {
 public:
  explicit NpyFile(const std::filesystem::path& path) : path_(path), file_(open_file(path)) {
    start_.resize(std::min<std::uint64_t>(kMostNpyHeaderBytes, file_->size()));
    read(0, std::as_writable_bytes(std::span(start_)));
    layout_ = parse_npy(start_, file_->size(), path.string());
    start_.resize(layout_.offset);
  }
  const NpyLayout& layout() const { return layout_; }

  void require_shape(const Sidecar& sidecar) const {
    if (layout_.rows == sidecar.track_ids.size() && layout_.cols == sidecar.columns.size()) return;
    throw Error(fmt::format("is {} x {}, but its .json names {} tracks and {} columns", layout_.rows, layout_.cols,
                            sidecar.track_ids.size(), sidecar.columns.size()),
                path_.string(), "the two files do not belong together: extract the features again");
  }
  /// Reads all values; returns the SHA-256 of the file.
  std::string read_all(std::span<std::byte> values) const {
    Hasher sum(HashKind::sha256);
    sum.update(start_);
    read(layout_.offset, values);
    sum.update(as_text(values));
    return sum.hex();
  }
  void read_row(std::size_t row, std::span<float> values) const {
    read(layout_.offset + row * values.size_bytes(), std::as_writable_bytes(values));
  }
  /// Reads the file in blocks.
  std::string sha256() const {
    Hasher sum(HashKind::sha256);
    std::vector<std::byte> block(std::size_t{1} << 20);
    for (SequentialReader reader(*file_); const std::size_t got = reader.read(block);)
      sum.update(as_text(std::span(block).first(got)));
    return sum.hex();
  }

 private:
  static std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  void read(std::uint64_t offset, std::span<std::byte> into) const {
    if (file_->read_at(offset, into) < into.size())
      throw Error("was truncated while it was read", path_.string(), "extract the features again");
  }

  std::filesystem::path path_;
  std::unique_ptr<FileReader> file_;
  std::string start_;  // up to the values
  NpyLayout layout_;
};

FeatureTable read_npy(const std::filesystem::path& path) {
  auto sidecar = parse_sidecar(path);
  if (!sidecar) {
    throw Error("the tracks and features of these numbers are unknown", path.string(),
                "keep " + sidecar_path(path.filename()).string() + " beside it, or extract the features again");
  }
  const NpyFile file(path);
  file.require_shape(*sidecar);
  FeatureTable table{sidecar->recipe, std::move(sidecar->columns), std::move(sidecar->track_ids), {}};
  const NpyLayout& array = file.layout();
  std::vector<float> float32(array.value_bytes == sizeof(float) ? array.rows * array.cols : 0);
  std::vector<double> float64(float32.empty() ? array.rows * array.cols : 0);
  std::string sha256;
  if (float64.empty()) {
    sha256 = file.read_all(std::as_writable_bytes(std::span(float32)));
  } else {
    sha256 = file.read_all(std::as_writable_bytes(std::span(float64)));
  }
  require_unchanged(path, *sidecar, sha256);
  require_finite(table, float32, path.string());
  require_finite(table, float64, path.string());
  if (!float64.empty()) {
    std::vector<Moments> moments(array.cols);
    for (std::size_t i = 0; i < float64.size(); ++i) moments[i % array.cols].add(float64[i]);
    table.offsets = offsets_of(moments);
    for (std::size_t i = 0; i < float64.size(); ++i) {
      const double offset = table.offsets.empty() ? 0 : table.offsets[i % array.cols];
      float32.push_back(static_cast<float>(float64[i] - offset));
    }
  }
  table.values = Matrix(array.rows, array.cols, std::move(float32));
  return table;
}

bool is_csv(const std::filesystem::path& path) {
  if (path.extension() == ".csv") return true;
  if (path.extension() == ".npy") return false;
  throw Error("a feature table's name ends in .csv or .npy", path.string(), "give it one of these endings");
}

std::string csv_header(const std::vector<FeatureColumn>& columns) {
  std::string text;
  const auto row = [&](const char* title, std::string FeatureColumn::*cell) {
    text += title;
    for (const FeatureColumn& column : columns) {
      text += ',';
      append_csv_field(text, column.*cell);
    }
    text += '\n';
  };
  row("feature", &FeatureColumn::feature);
  row("statistics", &FeatureColumn::statistic);
  row("number", &FeatureColumn::number);
  text += "track_id" + std::string(columns.size(), ',') + '\n';
  return text;
}

/// Length of the four lines; 0 if they are not all in `text`.
std::size_t csv_header_bytes(std::string_view text) {
  std::size_t at = 0;
  for (int line = 0; line < 4; ++line) {
    at = text.find('\n', at);
    if (at++ == std::string_view::npos) return 0;
  }
  return at;
}

}  // namespace

const char* table_ending(std::size_t columns) {
  constexpr std::size_t kMostAsText = 2000;
  return columns > kMostAsText ? ".npy" : ".csv";
}

std::filesystem::path sidecar_path(const std::filesystem::path& table) {
  return table.string() + ".json";
}

std::optional<json> read_sidecar(const std::filesystem::path& table) {
  const std::filesystem::path path = sidecar_path(table);
  if (!file_exists(path)) return std::nullopt;
  return require_sealed_json(read_file(path), path.string(), kSidecarRemedy);
}

FeatureRecipe published_fma_recipe() {
  return make_recipe("fma518", 0, "features.csv as published with FMA, librosa 0.5");
}

double storage_offset(std::span<const double> column) {
  Moments moments;
  for (const double value : column) moments.add(value);
  return moments.offset();
}

bool fits_float32(double value) {
  return std::fabs(value) <
         0x1.ffffffp127;  // halfway to the next power of 2: below, it is rounded to the largest float
}

FeatureTable read_feature_table(const std::filesystem::path& path) {
  return is_csv(path) ? read_csv(path) : read_npy(path);
}

std::string read_table_header(const FileReader& table) {
  std::string text;
  std::size_t size = 0;  // of the header, once it is known
  while (size == 0) {
    const std::size_t before = text.size();
    text.resize(before + (64 << 10));
    text.resize(before + table.read_at(before, std::as_writable_bytes(std::span(text).subspan(before))));
    size = is_npy(text) ? npy_header_bytes(text) : csv_header_bytes(text);
    if (size == 0 && text.size() == before)
      throw Error("has no header of a feature table", table.info().location, "extract the features again");
  }
  text.resize(size);
  return text;
}

std::string header_with_rows(const std::string& header, std::size_t rows) {
  return is_npy(header) ? npy_header(rows, npy_columns(header)) : header;
}

void for_each_row(const std::filesystem::path& path,
                  const std::function<void(std::size_t row, std::span<const float> values)>& use) {
  const auto sidecar = is_csv(path) ? std::nullopt : parse_sidecar(path);
  if (sidecar && !sidecar->table_sha256.empty()) {
    const NpyFile file(path);
    file.require_shape(*sidecar);
    if (file.layout().value_bytes == sizeof(float)) {
      require_unchanged(path, *sidecar, file.sha256());
      std::vector<float> values(file.layout().cols);
      for (std::size_t row = 0; row < file.layout().rows; ++row) {
        file.read_row(row, values);
        use(row, values);
      }
      return;
    }
  }
  const FeatureTable table = read_feature_table(path);
  for (std::size_t row = 0; row < table.values.rows(); ++row) use(row, table.values.row(row));
}

FeatureTableWriter::FeatureTableWriter(std::filesystem::path path, FeatureRecipe recipe,
                                       std::vector<FeatureColumn> columns, std::size_t rows, WriteCondition condition)
    : path_(std::move(path)),
      recipe_(std::move(recipe)),
      columns_(std::move(columns)),
      rows_(rows),
      csv_(is_csv(path_)),
      table_(create_file(path_)),
      sidecar_(create_file(sidecar_path(path_), {.condition = std::move(condition)})) {
  write(csv_ ? csv_header(columns_) : npy_header(rows, columns_.size()));
}

void FeatureTableWriter::write(std::string_view text) {
  sum_.update(text);
  bytes_ += text.size();
  table_->write(text);
}

void FeatureTableWriter::add(std::string_view track_id, std::span<const float> values) {
  if (values.size() != columns_.size()) {
    throw Error(fmt::format("a row has {} numbers for {} columns", values.size(), columns_.size()), path_.string());
  }
  track_ids_.emplace_back(track_id);
  if (!csv_) {
    write({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
    return;
  }
  line_.clear();
  append_csv_field(line_, track_id);
  char number[32];
  for (const float value : values) {
    line_ += ',';
    line_.append(number, std::to_chars(number, number + sizeof number, value).ptr);
  }
  line_ += '\n';
  write(line_);
}

void FeatureTableWriter::commit(const json& facts) {
  if (track_ids_.size() != rows_) {
    throw Error(fmt::format("{} rows were announced and {} were added", rows_, track_ids_.size()), path_.string());
  }
  json object = {{"format", kFormat},
                 {"recipe", {{"name", recipe_.name}, {"version", recipe_.version}, {"hash", recipe_.hash}}},
                 {"rows", rows_},
                 {"table_sha256", sum_.hex()}};
  if (!csv_) {
    object["track_ids"] = any_texts(track_ids_);
    for (const FeatureColumn& c : columns_)
      object["columns"].push_back({any_text(c.feature), any_text(c.statistic), any_text(c.number)});
  }
  object.update(facts);
  sidecar_->write(sealed_text(std::move(object), 1));
  table_->finish();
  sidecar_->finish();
  sidecar_->commit();
  table_->commit();
}

}  // namespace genrewise
