// One model, trained on packed records and judged on the parts that it did not learn from.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/models/model.hpp"
#include "genrewise/packs/pack_manifest.hpp"

namespace genrewise {

struct PackTraining {
  Model model;
  std::size_t examples = 0;         ///< that it learnt from
  std::map<Part, Metrics> metrics;  ///< of the parts that it did not learn from and that have records
};

/// The learner takes batches (its descriptor says so) and reads the shards as it goes, so the pack may be larger than
/// the memory. The records' parts are the manifest's: training is learnt from, validation says when to end and which
/// weights to keep, test judges. A pack without parts is learnt from whole.
///
/// The memory may hold `cache_bytes` of records, so that a small pack is read from the disk once. Throws Error for
/// records without a recipe that this program knows (shards of another program), for a learner that takes no batches,
/// and as the learner does.
PackTraining train_on_pack(const PackManifest& manifest, std::unique_ptr<Classifier> classifier,
                           const FitContext& place, std::uint64_t seed, std::uint64_t cache_bytes = 1ULL << 30);

}  // namespace genrewise
