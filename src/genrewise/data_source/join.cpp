#include <unordered_map>

#include "genrewise/data_source/examples.hpp"
#include "genrewise/data_source/selection.hpp"

namespace genrewise {

Examples join(const Dataset& dataset, FeatureTable table) {
  std::unordered_map<std::string_view, std::size_t> row_of;
  row_of.reserve(table.track_ids.size());
  for (std::size_t row = 0; row < table.track_ids.size(); ++row) {
    if (!row_of.emplace(table.track_ids[row], row).second)
      throw Error("the feature table has two rows for track " + table.track_ids[row], dataset.name,
                  "extract the features again");
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
  examples.subjects = select_subjects(subjects_of(dataset), tracks);
  examples.labels = examples.subjects.labels_by_name;
  drop_absent_genres(examples);
  examples.table.recipe = std::move(table.recipe);
  examples.table.columns = std::move(table.columns);
  examples.table.offsets = std::move(table.offsets);
  examples.table.track_ids = examples.subjects.ids;
  examples.table.values = table.values.select_rows(rows);
  return examples;
}

}  // namespace genrewise
