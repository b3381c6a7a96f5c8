// Training batches for Classifier::fit_batches(), for examples that are not in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/random.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/packs/pack_manifest.hpp"

namespace genrewise {

struct BatchRequest {
  std::size_t batch_size = 32;  ///< of all ranks together
  std::uint64_t seed = kDefaultSeed;
  std::uint64_t epochs = 1;
  int rank = 0, ranks = 1;
  std::optional<BatchPosition> start = std::nullopt;
};

/// Training examples.
struct BatchSource {
  std::size_t values = 0;  ///< values per example
  int label_count = 0;
  std::vector<std::size_t> label_sizes;  ///< examples of each label in the training part
  std::string fingerprint;               ///< changes with the examples, labels or parts
  /// Batches of the training part, in a new random order for each epoch.
  std::function<std::unique_ptr<BatchStream>(const BatchRequest&)> training;
  /// One pass over the validation part; empty: there is none.
  std::function<std::unique_ptr<BatchStream>(const BatchRequest&)> validation;
  /// The pack that the batches come from, for a classifier that another process fits; null: another source.
  std::shared_ptr<const PackManifest> pack = nullptr;
  std::uint64_t cache_bytes = 0;  ///< how much of that pack may be kept in memory

  std::size_t training_examples() const {
    std::size_t sum = 0;
    for (const std::size_t size : label_sizes) sum += size;
    return sum;
  }
};

/// Batches of a pack, by the parts in its manifest: training is fitted on, validation decides when to stop; a pack
/// without a training part is used for training as a whole. For another split than the stored one (--scheme,
/// --split-file, --on):
///
///     PackManifest manifest = open_pack(location);
///     assign_parts(manifest, parts);  // one part per record; nothing: the record is not used
///     classifier->fit_batches(pack_batches(manifest), context);
///
/// Records are read during training; up to `cache_bytes` of them are kept in memory, so a small pack is read once.
/// Features are used as packed: preprocessing fitted on a table (PCA) cannot be applied, so the caller must reject it.
BatchSource pack_batches(PackManifest manifest, std::uint64_t cache_bytes = std::uint64_t{1} << 30);

/// One part of a pack (nothing: all records) as batches, shuffled or in the order of the shards.
std::unique_ptr<BatchStream> open_batches(const PackManifest& manifest, std::optional<Part> part,
                                          const BatchRequest& request, bool shuffle, std::uint64_t cache_bytes);

}  // namespace genrewise
