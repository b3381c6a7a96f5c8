#include "genrewise/data_source/selection.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"

namespace genrewise {

std::vector<std::string> feature_names(const std::vector<FeatureColumn>& columns) {
  std::vector<std::string> names;
  for (const FeatureColumn& column : columns)
    if (std::ranges::find(names, column.feature) == names.end()) names.push_back(column.feature);
  return names;
}

std::vector<std::size_t> columns_of(const std::vector<FeatureColumn>& columns, std::string_view features) {
  std::vector<bool> chosen(columns.size(), features == "all");
  const bool is_one = std::ranges::find(columns, features, &FeatureColumn::feature) != columns.end();
  for (std::size_t at = 0; features != "all" && at <= features.size();) {
    const std::size_t end = is_one ? features.size() : std::min(features.find('+', at), features.size());
    const std::string_view name = features.substr(at, end - at);
    bool found = false;
    for (std::size_t j = 0; j < columns.size(); ++j)
      if (columns[j].feature == name) chosen[j] = found = true;
    if (!found)
      throw Error(fmt::format("the table has no feature \"{}\"", name), "feature groups",
                  fmt::format("join some of {} with +, or write all", fmt::join(feature_names(columns), ", ")));
    at = end + 1;
  }
  std::vector<std::size_t> kept;
  for (std::size_t j = 0; j < columns.size(); ++j)
    if (chosen[j]) kept.push_back(j);
  return kept;
}

Examples select_features(const Examples& examples, std::string_view features) {
  const std::vector<std::size_t> kept = columns_of(examples.table.columns, features);
  if (kept.size() == examples.table.columns.size()) return examples;
  Examples selected{examples.name, examples.labels, {}, examples.subjects, examples.notes};
  const FeatureRecipe& whole = examples.table.recipe;
  const std::string name = fmt::format("{}/{}", whole.name, features);
  selected.table.recipe = {name, whole.version, sha256_hex(whole.hash + '/' + std::string(features))};
  selected.table.track_ids = examples.table.track_ids;
  for (const std::size_t j : kept) selected.table.columns.push_back(examples.table.columns[j]);
  if (!examples.table.offsets.empty())
    for (const std::size_t j : kept) selected.table.offsets.push_back(examples.table.offsets[j]);
  selected.table.values = Matrix(examples.table.values.rows(), kept.size());
  for (std::size_t i = 0; i < selected.table.values.rows(); ++i)
    for (std::size_t j = 0; j < kept.size(); ++j) selected.table.values(i, j) = examples.table.values(i, kept[j]);
  return selected;
}

Examples select_examples(const Examples& examples, const std::vector<std::size_t>& rows) {
  Examples selected{examples.name, examples.labels, {}, {}, examples.notes};
  selected.table.recipe = examples.table.recipe;
  selected.table.columns = examples.table.columns;
  selected.table.offsets = examples.table.offsets;
  selected.table.values = examples.table.values.select_rows(rows);
  selected.subjects = select_subjects(examples.subjects, rows);
  selected.table.track_ids = selected.subjects.ids;
  return selected;
}

Examples join_examples(std::vector<Examples> all) {
  if (all.size() == 1) return std::move(all.front());
  std::vector<double> offsets(all.front().table.columns.size());  // of each column, the first that is not 0
  for (const Examples& one : all) {
    if (one.table.recipe != all.front().table.recipe || one.table.columns != all.front().table.columns)
      throw Error("has another recipe or other columns than " + all.front().name, one.name,
                  "give tables of one feature set");
    for (std::size_t j = 0; j < one.table.offsets.size(); ++j)
      if (offsets[j] == 0) offsets[j] = one.table.offsets[j];
  }
  std::vector<std::string> genres;
  std::vector<float> values;
  const auto add = [&](const Examples& one) {
    for (const int label : one.subjects.labels)
      genres.push_back(one.subjects.labels_by_name[static_cast<std::size_t>(label)]);
    for (std::size_t i = 0; i < one.table.values.rows(); ++i) {
      for (std::size_t j = 0; j < offsets.size(); ++j) {
        const double own = one.table.offsets.empty() ? 0 : one.table.offsets[j];
        values.push_back(static_cast<float>(one.table.values(i, j) + (own - offsets[j])));
      }
    }
  };
  Examples joined = std::move(all.front());
  SplitSubjects& subjects = joined.subjects;
  add(joined);
  for (std::size_t i = 1; i < all.size(); ++i) {
    const Examples& more = all[i];
    const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    append(joined.table.track_ids, more.table.track_ids);
    append(subjects.ids, more.subjects.ids);
    append(subjects.artists, more.subjects.artists);
    append(subjects.albums, more.subjects.albums);
    append(subjects.tracks, more.subjects.tracks);
    append(subjects.official, more.subjects.official);
    add(more);
  }
  if (std::ranges::any_of(offsets, [](double offset) { return offset != 0; }))
    joined.table.offsets = std::move(offsets);
  std::set<std::string_view> ids;
  for (const std::string& id : subjects.ids)
    if (!ids.insert(id).second)
      throw Error(fmt::format("the track {} is in two of the tables", id), joined.name, "give each table once");
  set_labels(subjects, genres);
  joined.labels = subjects.labels_by_name;
  joined.table.values = Matrix(joined.table.track_ids.size(), joined.table.columns.size(), std::move(values));
  return joined;
}

void drop_absent_genres(Examples& examples) {
  SplitSubjects& subjects = examples.subjects;
  std::vector<int> renamed(examples.labels.size(), -1);
  for (const int label : subjects.labels) renamed[static_cast<std::size_t>(label)] = 0;
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < renamed.size(); ++i) {
    if (renamed[i] < 0) continue;
    renamed[i] = static_cast<int>(kept.size());
    kept.push_back(examples.labels[i]);
  }
  for (int& label : subjects.labels) label = renamed[static_cast<std::size_t>(label)];
  examples.labels = subjects.labels_by_name = std::move(kept);
}

FeatureTable select_tracks(FeatureTable table, const std::vector<std::string>& ids) {
  if (table.track_ids == ids) return table;
  std::unordered_map<std::string_view, std::size_t> row_of;
  for (std::size_t row = 0; row < table.track_ids.size(); ++row) row_of.emplace(table.track_ids[row], row);
  std::vector<std::size_t> rows;
  rows.reserve(ids.size());
  for (const std::string& id : ids) {
    const auto found = row_of.find(id);
    if (found == row_of.end()) throw Error(fmt::format("has no row for {}", id), table.recipe.name);
    rows.push_back(found->second);
  }
  table.values = table.values.select_rows(rows);
  table.track_ids = ids;
  return table;
}

}  // namespace genrewise
