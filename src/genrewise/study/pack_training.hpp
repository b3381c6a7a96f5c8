// One model, trained on packed records batch by batch, so that a pack may be larger than the memory.
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
  std::size_t examples = 0;         ///< that it was fitted on
  std::map<Part, Metrics> metrics;  ///< of the validation and test part where they have records
  double fit_s = 0, predict_s = 0;  ///< the fit; predicting those parts
};

/// Fits a classifier that takes batches on the training part of the pack; the validation part, where there is one,
/// decides when to stop and which weights to keep. Reads the shards as it goes. Parts are evaluated on rank 0 alone.
///
/// The memory may hold `cache_bytes` of records, so that a small pack is read from the disk once. Throws Error for
/// records without a recipe that this program knows (shards of another program), for a pack without a training part,
/// and as the classifier does.
PackTraining train_on_pack(const PackManifest& manifest, std::unique_ptr<Classifier> classifier, FitContext context,
                           std::uint64_t seed, std::uint64_t cache_bytes = 1ULL << 30);

}  // namespace genrewise
