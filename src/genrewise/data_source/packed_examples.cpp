#include <algorithm>

#include "genrewise/data_source/record_files.hpp"
#include "genrewise/data_source/selection.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kBatchBytes = 1 << 20;

std::vector<FeatureColumn> columns_of(const PackManifest& manifest) {
  const auto names = feature_set_names();
  if (std::ranges::find(names, manifest.recipe.name) != names.end()) {
    try {
      const auto set = make_feature_set(manifest.recipe.name);
      if (set->recipe() == manifest.recipe && set->size() == manifest.values) return set->columns();
    } catch (const Error&) {  // a feature set whose weights are not installed; column numbers will do
    }
  }
  std::vector<FeatureColumn> columns;
  const std::string name = manifest.recipe.name.empty() ? "song" : manifest.recipe.name;
  for (std::size_t i = 0; i < manifest.values; ++i) columns.push_back({name, "value", std::to_string(i)});
  return columns;
}

// Shards of another program have no recipe; the number of columns identifies it.
FeatureRecipe recipe_of(const PackManifest& manifest) {
  if (!manifest.recipe.name.empty()) return manifest.recipe;
  return {"records", 1, std::to_string(manifest.values) + " values"};
}

}  // namespace

SplitSubjects subjects_of(const PackManifest& manifest) {
  SplitSubjects subjects;
  const std::vector<Part> shard_parts = parts_of_shards(manifest.shards.size());
  UniqueIds unique;
  std::vector<std::string> labels;
  for (std::size_t shard = 0; shard < manifest.shards.size(); ++shard) {
    for (const PackedRecord& record : manifest.shards[shard].records) {
      // Records of other programs may lack ids or share one between several clips of a track.
      const std::string track =
          record.track_id.empty() ? "record " + std::to_string(subjects.ids.size()) : record.track_id;
      subjects.ids.push_back(unique.name(track));
      subjects.tracks.push_back(track);
      labels.push_back(manifest.labels[static_cast<std::size_t>(record.label)]);
      subjects.artists.push_back(record.artist);
      subjects.albums.push_back(record.album);
      subjects.official.push_back(record.part);
      subjects.by_shard.push_back(shard_parts[shard]);
    }
  }
  set_labels(subjects, labels);
  return subjects;
}

Examples read_packed_examples(const PackManifest& manifest, std::vector<Fault>& damaged, Progress& progress,
                              double damage_budget) {
  const SplitSubjects all = subjects_of(manifest);
  BatchReader reader(manifest, {.batch_size = std::max<std::size_t>(1, kBatchBytes / (4 * manifest.values + 1)),
                                .damage_budget = damage_budget});
  std::vector<float> values;
  values.reserve(all.ids.size() * manifest.values);
  std::vector<std::size_t> sound;
  progress.begin("reading records", "examples", all.ids.size());
  Batch batch;
  while (reader.next(batch)) {
    const std::span<const float> rows(batch.features);
    values.insert(values.end(), rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(batch.size * batch.values));
    sound.insert(sound.end(), batch.records.begin(), batch.records.end());
    progress.advance(batch.size);
  }
  progress.finish();
  damaged = reader.damage();

  Examples examples;
  examples.name = manifest.folder.filename().string();
  examples.subjects = select_subjects(all, sound);
  examples.labels = examples.subjects.labels_by_name;
  drop_absent_genres(examples);
  examples.table = {recipe_of(manifest), columns_of(manifest), examples.subjects.ids,
                    Matrix(sound.size(), manifest.values, std::move(values))};
  return examples;
}

}  // namespace genrewise
