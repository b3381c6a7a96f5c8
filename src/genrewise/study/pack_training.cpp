#include "genrewise/study/pack_training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/evaluation/evaluation.hpp"
#include "genrewise/models/batch_source.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/study/study.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kShuffledRecords = 4096;  // mixed within so many; a small pack is shuffled whole
constexpr std::size_t kEvaluatedBatch = 64;

/// Examples of each label in a part.
std::vector<std::size_t> label_sizes(const PackManifest& manifest, Part part) {
  std::vector<std::size_t> sizes(manifest.labels.size());
  for (const PackedShard& shard : manifest.shards) {
    for (const PackedRecord& record : shard.records) {
      if (record.part == part) ++sizes[static_cast<std::size_t>(record.label)];
    }
  }
  return sizes;
}

std::size_t size_of(const PackManifest& manifest, Part part) {
  const auto sizes = label_sizes(manifest, part);
  return std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
}

std::unique_ptr<BatchStream> open_batches(const PackManifest& manifest, Part part, const BatchRequest& request,
                                          std::size_t shuffle_records, std::uint64_t cache_bytes) {
  BatchConfig config;
  config.batch_size = std::max<std::size_t>(1, request.batch_size / static_cast<std::size_t>(request.ranks));
  config.part = part;
  config.shuffle_records = shuffle_records;
  config.seed = request.seed;
  config.epochs = request.epochs;
  config.drop_remainder = request.ranks > 1 && shuffle_records > 0;  // every rank takes as many steps
  config.cache_bytes = cache_bytes;
  config.rank = request.rank;
  config.ranks = request.ranks;
  config.start = request.start;
  return std::make_unique<BatchReader>(manifest, config);
}

Model empty_model(const PackManifest& manifest) {
  if (manifest.recipe.name.empty())
    throw Error("these shards do not say how their numbers were made, so a model of them could not be used",
                manifest.folder.string(), "pack the dataset with genrewise");
  const auto features = make_feature_set(manifest.recipe.name);
  require_same_data(manifest, features->recipe(), manifest.labels);
  Model model;
  model.labels = manifest.labels;
  model.recipe = manifest.recipe;
  model.columns = features->columns();
  return model;
}

BatchSource batch_source(const PackManifest& manifest, std::uint64_t cache_bytes) {
  BatchSource source;
  source.values = manifest.values;
  source.label_count = static_cast<int>(manifest.labels.size());
  source.label_sizes = label_sizes(manifest, Part::training);
  source.fingerprint = manifest.fingerprint;
  source.training = [&manifest, cache_bytes](const BatchRequest& request) {
    return open_batches(manifest, Part::training, request, kShuffledRecords, cache_bytes);
  };
  if (size_of(manifest, Part::validation) > 0) {
    source.validation = [&manifest](const BatchRequest& request) {
      return open_batches(manifest, Part::validation, request, 0, 0);
    };
  }
  return source;
}

}  // namespace

PackManifest with_parts(PackManifest manifest, std::span<const Part> parts) {
  bool changed = false;
  std::size_t at = 0;
  std::string words;
  for (PackedShard& shard : manifest.shards) {
    for (PackedRecord& record : shard.records) {
      const Part part = parts[at++];
      changed = changed || record.part != part;
      record.part = part;
      words += static_cast<char>('0' + static_cast<int>(part));
    }
  }
  if (changed) manifest.fingerprint = sha256_hex(manifest.fingerprint + '/' + words);
  return manifest;
}

PackTraining train_on_pack(const PackManifest& manifest, std::unique_ptr<Classifier> classifier, FitContext context,
                           std::uint64_t seed, std::uint64_t cache_bytes) {
  PackTraining training;
  training.model = empty_model(manifest);
  training.examples = size_of(manifest, Part::training);
  if (training.examples == 0) throw Error("the training part is empty", manifest.folder.string());
  context.labels = manifest.labels;
  const Stopwatch fitting;
  classifier->fit_batches(batch_source(manifest, cache_bytes), context);
  training.fit_s = fitting.seconds();
  training.model.classifier = std::move(classifier);
  training.model.facts = {{"program_version", GENREWISE_VERSION},
                          {"dataset", manifest.folder.filename().string()},
                          {"pack", manifest.fingerprint}};
  if (context.rank != 0) return training;
  const Stopwatch predicting;
  for (const Part part : {Part::validation, Part::test}) {
    if (size_of(manifest, part) == 0) continue;
    const auto batches = open_batches(manifest, part, {.batch_size = kEvaluatedBatch}, 0, 0);
    training.metrics[part] = evaluate(training.model, *batches, seed);
  }
  training.predict_s = predicting.seconds();
  return training;
}

}  // namespace genrewise
