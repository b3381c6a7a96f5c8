#include <algorithm>
#include <map>
#include <set>

#include "genrewise/data_source/examples.hpp"
#include "genrewise/packs/batches.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kBatchBytes = 1 << 20;

std::vector<FeatureColumn> columns_of(const PackManifest& manifest) {
  const auto names = feature_set_names();
  if (std::ranges::find(names, manifest.recipe.name) != names.end()) {
    try {
      const auto set = make_feature_set(manifest.recipe.name);
      if (set->recipe() == manifest.recipe && set->size() == manifest.values) return set->columns();
    } catch (const Error&) {  // one that needs weights which are not here; its numbers are
    }
  }
  std::vector<FeatureColumn> columns;
  const std::string name = manifest.recipe.name.empty() ? "song" : manifest.recipe.name;
  for (std::size_t i = 0; i < manifest.values; ++i) columns.push_back({name, "value", std::to_string(i)});
  return columns;
}

// Shards of another program say nothing of how their numbers were made; their number must do.
FeatureRecipe recipe_of(const PackManifest& manifest) {
  if (!manifest.recipe.name.empty()) return manifest.recipe;
  return {"records", 1, std::to_string(manifest.values) + " values"};
}

class PackedExamples {
 public:
  explicit PackedExamples(const PackManifest& manifest) : manifest_(manifest) {
    const auto parts = parts_of_shards(manifest.shards.size());
    for (std::size_t shard = 0; shard < manifest.shards.size(); ++shard) {
      for (const PackedRecord& record : manifest.shards[shard].records) {
        records_.push_back(&record);
        shard_parts_.push_back(parts[shard]);
      }
    }
    examples_.name = manifest.folder.filename().string();
    examples_.table.recipe = recipe_of(manifest);
    examples_.table.columns = columns_of(manifest);
  }

  Examples read(std::vector<Fault>& damaged, Progress& progress, double damage_budget) {
    BatchReader reader(manifest_, {.batch_size = std::max<std::size_t>(1, kBatchBytes / (4 * manifest_.values + 1)),
                                   .damage_budget = damage_budget});
    std::vector<float> values;
    values.reserve(records_.size() * manifest_.values);
    progress.begin("reading records", "examples", records_.size());
    Batch batch;
    while (reader.next(batch)) {
      const std::span<const float> rows(batch.features);
      values.insert(values.end(), rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(batch.size * batch.values));
      for (const std::uint32_t record : batch.records) add(record);
      progress.advance(batch.size);
    }
    progress.finish();
    name_labels();
    examples_.table.track_ids = examples_.subjects.ids;
    examples_.table.values = Matrix(examples_.subjects.ids.size(), manifest_.values, std::move(values));
    damaged = reader.damage();
    return std::move(examples_);
  }

 private:
  void add(std::uint32_t number) {
    const PackedRecord& record = *records_[number];
    SplitSubjects& subjects = examples_.subjects;
    // Records of other programs may lack ids or have one for several clips of a track.
    const std::string track = record.track_id.empty() ? "record " + std::to_string(number) : record.track_id;
    const int times = ++seen_[track];
    subjects.ids.push_back(times == 1 ? track : track + " #" + std::to_string(times));
    subjects.tracks.push_back(track);
    subjects.labels.push_back(record.label);
    subjects.artists.push_back(record.artist);
    subjects.albums.push_back(record.album);
    subjects.official.push_back(record.part);
    subjects.by_shard.push_back(shard_parts_[number]);
  }

  // Sorted by name, and without those that no example has.
  void name_labels() {
    SplitSubjects& subjects = examples_.subjects;
    std::set<std::string> used;
    for (const int label : subjects.labels) used.insert(manifest_.labels[static_cast<std::size_t>(label)]);
    subjects.labels_by_name.assign(used.begin(), used.end());
    for (int& label : subjects.labels) {
      const auto at =
          std::ranges::lower_bound(subjects.labels_by_name, manifest_.labels[static_cast<std::size_t>(label)]);
      label = static_cast<int>(at - subjects.labels_by_name.begin());
    }
    examples_.labels = subjects.labels_by_name;
  }

  const PackManifest& manifest_;
  std::vector<const PackedRecord*> records_;  // by number, as Batch::records counts
  std::vector<Part> shard_parts_;             // likewise
  std::map<std::string, int> seen_;           // track ids, and how often
  Examples examples_;
};

}  // namespace

Examples read_packed_examples(const PackManifest& manifest, std::vector<Fault>& damaged, Progress& progress,
                              double damage_budget) {
  return PackedExamples(manifest).read(damaged, progress, damage_budget);
}

}  // namespace genrewise
