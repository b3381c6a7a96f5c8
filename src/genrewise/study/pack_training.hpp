// Trains one model on packed records batch by batch, so a pack may be larger than the memory.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "genrewise/dataset/split.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/models/model.hpp"
#include "genrewise/packs/pack_manifest.hpp"

namespace genrewise {

struct PackTraining {
  Model model;
  std::size_t examples = 0;         ///< number of training examples
  std::map<Part, Metrics> metrics;  ///< of the validation and test part, if they have records
  TrainingCurve training;           ///< of a network
  double fit_s = 0, predict_s = 0;  ///< fitting; predicting those parts
};

/// Fits a classifier that takes batches on the training part of the pack. The validation part, if any, determines when
/// to stop and which weights to keep. Only rank 0 evaluates the parts.
///
/// Up to `cache_bytes` of records stay in memory, so that a small pack is read from the disk once. Throws Error for
/// records without a known recipe (shards of another program), for a pack without a training part, and as the
/// classifier does.
PackTraining train_on_pack(const PackManifest& manifest, std::unique_ptr<Classifier> classifier, FitContext context,
                           std::uint64_t seed, std::uint64_t cache_bytes = 1ULL << 30);

}  // namespace genrewise
