#include "genrewise/study/pack_training.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "genrewise/base/error.hpp"
#include "genrewise/models/batch_source.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/study/study.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kShuffledRecords = 4096;  // mixed within so many; a small pack is shuffled whole
constexpr std::size_t kJudgedBatch = 64;

/// Examples of each label in a part; all records where `part` is nothing.
std::vector<std::size_t> label_sizes(const PackManifest& manifest, std::optional<Part> part) {
  std::vector<std::size_t> sizes(manifest.labels.size());
  for (const PackedShard& shard : manifest.shards)
    for (const PackedRecord& record : shard.records)
      if (!part || record.part == part) ++sizes[static_cast<std::size_t>(record.label)];
  return sizes;
}

std::size_t total(const std::vector<std::size_t>& sizes) {
  std::size_t sum = 0;
  for (const std::size_t size : sizes) sum += size;
  return sum;
}

std::unique_ptr<BatchStream> open_batches(const PackManifest& manifest, std::optional<Part> part,
                                          const BatchRequest& request, std::size_t shuffle_records,
                                          std::uint64_t cache_bytes) {
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

void learn(const PackManifest& manifest, std::optional<Part> part, Classifier& classifier, const FitContext& context,
           std::uint64_t cache_bytes) {
  BatchSource source;
  source.values = manifest.values;
  source.label_count = static_cast<int>(manifest.labels.size());
  source.label_sizes = label_sizes(manifest, part);
  source.fingerprint = manifest.fingerprint;
  source.training = [&manifest, part, cache_bytes](const BatchRequest& request) {
    return open_batches(manifest, part, request, kShuffledRecords, cache_bytes);
  };
  if (part && total(label_sizes(manifest, Part::validation)) > 0) {
    source.validation = [&manifest](const BatchRequest& request) {
      return open_batches(manifest, Part::validation, request, 0, 0);
    };
  }
  classifier.fit_batches(source, context);
}

Metrics judge(const PackManifest& manifest, Part part, const Model& model, std::uint64_t seed) {
  const auto stream = open_batches(manifest, part, {.batch_size = kJudgedBatch}, 0, 0);
  std::vector<int> truth;
  Predictions said;
  std::vector<float> shares;
  Batch batch;
  while (stream->next(batch)) {
    Matrix rows(batch.size, batch.values);
    std::copy_n(batch.features.begin(), batch.size * batch.values, rows.data());
    const auto [labels, probabilities] = model.predict_with_probabilities(rows);
    said.labels.insert(said.labels.end(), labels.begin(), labels.end());
    shares.insert(shares.end(), probabilities.values().begin(), probabilities.values().end());
    truth.insert(truth.end(), batch.labels.begin(), batch.labels.end());
  }
  said.probabilities = Matrix(truth.size(), model.labels.size(), std::move(shares));
  return measure(truth, said, {}, seed);
}

}  // namespace

PackTraining train_on_pack(const PackManifest& manifest, std::unique_ptr<Classifier> classifier,
                           const FitContext& place, std::uint64_t seed, std::uint64_t cache_bytes) {
  const bool parted = total(label_sizes(manifest, Part::training)) > 0;
  const std::optional<Part> learnt = parted ? std::optional(Part::training) : std::nullopt;
  if (!classifier->descriptor().capabilities.batches)
    throw Error(fmt::format("{} does not learn from batches", classifier->kind()), manifest.folder.string(),
                "read the pack into a table and fit it on that");
  PackTraining training;
  training.model = empty_model(manifest);
  training.examples = total(label_sizes(manifest, learnt));
  FitContext context = place;
  context.labels = manifest.labels;
  learn(manifest, learnt, *classifier, context, cache_bytes);
  training.model.classifier = std::move(classifier);
  training.model.facts = {{"program_version", GENREWISE_VERSION},
                          {"dataset", manifest.folder.filename().string()},
                          {"pack", manifest.fingerprint},
                          {"seed", seed}};
  if (!parted || place.rank != 0) return training;
  for (const Part part : {Part::validation, Part::test})
    if (total(label_sizes(manifest, part)) > 0) training.metrics[part] = judge(manifest, part, training.model, seed);
  return training;
}

}  // namespace genrewise
