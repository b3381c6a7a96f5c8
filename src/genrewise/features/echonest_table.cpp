#include "genrewise/features/echonest_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/features/feature_set.hpp"

namespace genrewise {
namespace {

constexpr std::string_view kStart = ",echonest,";
constexpr std::array<std::string_view, 3> kGroups = {"audio_features", "social_features", "temporal_features"};

/// The columns in use, and where they are in a row.
struct Header {
  std::vector<FeatureColumn> columns;
  std::vector<std::size_t> cells;
  std::size_t width = 0;
};

Header read_header(CsvReader& reader) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string_view> fields;
  for (const char* title : {"", "", "", "track_id"}) {
    if (!reader.next(fields) || fields[0] != title || (!rows.empty() && fields.size() != rows[0].size()))
      throw Error("is not FMA's echonest.csv: a header row is missing or has another length",
                  fmt::format("{}:{}", reader.name(), reader.line()),
                  "the first lines must be: ,echonest,... ,audio_features,... ,acousticness,... track_id,...");
    rows.emplace_back(fields.begin(), fields.end());
  }
  Header header;
  header.width = rows[0].size();
  for (std::size_t i = 1; i < header.width; ++i) {
    if (std::ranges::find(kGroups, rows[1][i]) == kGroups.end()) continue;
    header.columns.push_back({rows[1][i], rows[2][i], ""});
    header.cells.push_back(i);
  }
  if (header.columns.empty())
    throw Error(fmt::format("has no columns of {}", fmt::join(kGroups, ", ")), reader.name(),
                "use the echonest.csv of FMA's fma_metadata.zip");
  return header;
}

}  // namespace

bool is_echonest_table(std::string_view text) {
  return text.starts_with(kStart);
}

FeatureTable read_echonest_table(std::string_view text, const std::string& name) {
  CsvReader reader(text, name);
  const Header header = read_header(reader);
  FeatureTable table;
  std::vector<float> values;
  std::vector<std::string_view> fields;
  while (reader.next(fields)) {
    const std::string where = fmt::format("{}:{}", name, reader.line());
    if (fields.size() != header.width)
      throw Error(fmt::format("this row has {} cells, and the header has {}", fields.size(), header.width), where,
                  "remove the row or get the file again");
    for (std::size_t i = 0; i < header.cells.size(); ++i) {
      double value = 0;
      const std::string_view cell = fields[header.cells[i]];
      if (!parse_number(cell, value) || !fits_float32(value))
        throw Error(fmt::format("\"{}\" in column {} ({} {}) is not a finite number", short_text(cell, 40),
                                header.cells[i] + 1, header.columns[i].feature, header.columns[i].statistic),
                    where, "remove the row or get the file again");
      values.push_back(static_cast<float>(value));
    }
    table.track_ids.emplace_back(fields[0]);
  }
  table.values = Matrix(table.track_ids.size(), header.columns.size(), std::move(values));
  table.columns = header.columns;
  table.recipe = make_recipe("echonest", 0, "echonest.csv as published with FMA: audio, social and temporal features");
  return table;
}

}  // namespace genrewise
