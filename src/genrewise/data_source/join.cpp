#include <unordered_map>

#include "genrewise/data_source/examples.hpp"

namespace genrewise {
namespace {

template <class T>
std::vector<T> select(const std::vector<T>& values, const std::vector<std::size_t>& chosen) {
  std::vector<T> selected;
  selected.reserve(chosen.size());
  for (const std::size_t i : chosen) selected.push_back(values[i]);
  return selected;
}

// Labels that no example has any more go; the others keep their order.
void drop_unused_labels(SplitSubjects& subjects) {
  std::vector<int> new_index(subjects.labels_by_name.size(), -1);
  for (const int label : subjects.labels) new_index[static_cast<std::size_t>(label)] = 0;
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < new_index.size(); ++i) {
    if (new_index[i] < 0) continue;
    new_index[i] = static_cast<int>(kept.size());
    kept.push_back(subjects.labels_by_name[i]);
  }
  for (int& label : subjects.labels) label = new_index[static_cast<std::size_t>(label)];
  subjects.labels_by_name = std::move(kept);
}

}  // namespace

Examples join(const Dataset& dataset, FeatureTable table) {
  std::unordered_map<std::string_view, std::size_t> row_of;
  row_of.reserve(table.track_ids.size());
  for (std::size_t row = 0; row < table.track_ids.size(); ++row) {
    if (!row_of.emplace(table.track_ids[row], row).second)
      throw Error("the feature table has two rows for track " + table.track_ids[row], dataset.name,
                  "extract the features anew");
  }
  std::vector<std::size_t> tracks, rows;
  for (std::size_t i = 0; i < dataset.tracks.size(); ++i) {
    const auto found = row_of.find(dataset.tracks[i].id);
    if (found == row_of.end() || dataset.tracks[i].label < 0) continue;
    tracks.push_back(i);
    rows.push_back(found->second);
  }
  if (tracks.empty())
    throw Error("the feature table has no row for any of its tracks", dataset.name,
                "use the table that was extracted from this dataset");

  Examples examples;
  examples.name = dataset.name;
  const SplitSubjects all = subjects_of(dataset);
  examples.subjects = {select(all.ids, tracks),     select(all.labels, tracks), all.labels_by_name,
                       select(all.artists, tracks), select(all.albums, tracks), select(all.tracks, tracks),
                       select(all.official, tracks)};
  drop_unused_labels(examples.subjects);
  examples.labels = examples.subjects.labels_by_name;
  examples.table.recipe = std::move(table.recipe);
  examples.table.columns = std::move(table.columns);
  examples.table.track_ids = examples.subjects.ids;
  examples.table.values = table.values.select_rows(rows);
  return examples;
}

}  // namespace genrewise
