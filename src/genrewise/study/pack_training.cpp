#include "genrewise/study/pack_training.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "genrewise/base/error.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/evaluation/evaluation.hpp"
#include "genrewise/models/batch_source.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/study/study.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kEvaluatedBatch = 64;

std::size_t size_of(const PackManifest& manifest, Part part) {
  std::size_t size = 0;
  for (const PackedShard& shard : manifest.shards)
    for (const PackedRecord& record : shard.records) size += record.part == part ? 1 : 0;
  return size;
}

Model empty_model(const PackManifest& manifest) {
  if (manifest.recipe.name.empty())
    throw Error("these shards have no recipe, so a model trained on them could not be used", manifest.folder.string(),
                "pack the dataset with genrewise");
  const auto features = make_feature_set(manifest.recipe.name);
  require_same_data(manifest, features->recipe(), manifest.labels);
  Model model;
  model.labels = manifest.labels;
  model.recipe = manifest.recipe;
  model.columns = features->columns();
  return model;
}

}  // namespace

PackTraining train_on_pack(const PackManifest& manifest, std::unique_ptr<Classifier> classifier, FitContext context,
                           std::uint64_t seed, std::uint64_t cache_bytes) {
  PackTraining training;
  training.model = empty_model(manifest);
  training.examples = size_of(manifest, Part::training);
  if (training.examples == 0) throw Error("the training part is empty", manifest.folder.string());
  context.labels = manifest.labels;
  context.curve = &training.training;
  const Stopwatch fitting;
  classifier->fit_batches(pack_batches(manifest, cache_bytes), context);
  training.fit_s = fitting.seconds();
  training.model.classifier = std::move(classifier);
  training.model.facts = {{"program_version", GENREWISE_VERSION},
                          {"dataset", manifest.folder.filename().string()},
                          {"pack", manifest.fingerprint}};
  if (context.rank != 0) return training;
  const Stopwatch predicting;
  for (const Part part : {Part::validation, Part::test}) {
    if (size_of(manifest, part) == 0) continue;
    const auto batches = open_batches(manifest, part, {.batch_size = kEvaluatedBatch}, false, 0);
    training.metrics[part] = evaluate(training.model, *batches, seed);
  }
  training.predict_s = predicting.seconds();
  return training;
}

}  // namespace genrewise
