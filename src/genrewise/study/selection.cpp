#include "genrewise/study/selection.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"

namespace genrewise {

std::vector<std::string> feature_names(const std::vector<FeatureColumn>& columns) {
  std::vector<std::string> names;
  for (const FeatureColumn& column : columns) {
    if (std::ranges::find(names, column.feature) == names.end()) names.push_back(column.feature);
  }
  return names;
}

std::vector<std::size_t> columns_of(const std::vector<FeatureColumn>& columns, std::string_view features) {
  std::vector<bool> chosen(columns.size(), features == "all");
  for (std::size_t at = 0; features != "all" && at <= features.size();) {
    const std::size_t end = std::min(features.find('+', at), features.size());
    const std::string_view name = features.substr(at, end - at);
    bool found = false;
    for (std::size_t j = 0; j < columns.size(); ++j) {
      if (columns[j].feature == name) chosen[j] = found = true;
    }
    if (!found) {
      throw Error(fmt::format("there is no feature \"{}\" in the table", name), "feature groups",
                  fmt::format("join some of {} by +, or write all", fmt::join(feature_names(columns), ", ")));
    }
    at = end + 1;
  }
  std::vector<std::size_t> kept;
  for (std::size_t j = 0; j < columns.size(); ++j) {
    if (chosen[j]) kept.push_back(j);
  }
  return kept;
}

Examples select_features(const Examples& examples, std::string_view features) {
  const std::vector<std::size_t> kept = columns_of(examples.table.columns, features);
  if (kept.size() == examples.table.columns.size()) return examples;
  Examples selected{examples.name, examples.labels, {}, examples.subjects};
  const FeatureRecipe& whole = examples.table.recipe;
  const std::string name = fmt::format("{}/{}", whole.name, features);
  selected.table.recipe = {name, whole.version, sha256_hex(whole.hash + '/' + std::string(features))};
  selected.table.track_ids = examples.table.track_ids;
  for (const std::size_t j : kept) selected.table.columns.push_back(examples.table.columns[j]);
  selected.table.values = Matrix(examples.table.values.rows(), kept.size());
  for (std::size_t i = 0; i < selected.table.values.rows(); ++i) {
    for (std::size_t j = 0; j < kept.size(); ++j) selected.table.values(i, j) = examples.table.values(i, kept[j]);
  }
  return selected;
}

Examples select_examples(const Examples& examples, const std::vector<std::size_t>& rows) {
  Examples selected{examples.name, examples.labels, {}, {}};
  selected.table.recipe = examples.table.recipe;
  selected.table.columns = examples.table.columns;
  selected.table.values = examples.table.values.select_rows(rows);
  const auto pick = [&](const auto& from, auto& to) {
    for (const std::size_t row : rows) to.push_back(from[row]);
  };
  const SplitSubjects& subjects = examples.subjects;
  pick(examples.table.track_ids, selected.table.track_ids);
  pick(subjects.ids, selected.subjects.ids);
  pick(subjects.labels, selected.subjects.labels);
  pick(subjects.artists, selected.subjects.artists);
  pick(subjects.albums, selected.subjects.albums);
  pick(subjects.tracks, selected.subjects.tracks);
  pick(subjects.official, selected.subjects.official);
  if (!subjects.by_shard.empty()) pick(subjects.by_shard, selected.subjects.by_shard);
  selected.subjects.labels_by_name = subjects.labels_by_name;
  return selected;
}

}  // namespace genrewise
