// Training batches for Classifier::fit_batches(), so that the examples need not be in memory.
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
  std::size_t values = 0;  ///< numbers per example
  int label_count = 0;
  std::vector<std::size_t> label_sizes;  ///< examples of each label in the training part
  std::string fingerprint;               ///< differs where examples, labels or parts differ
  /// Batches of the training part, shuffled anew for each epoch.
  std::function<std::unique_ptr<BatchStream>(const BatchRequest&)> training;
  /// One pass over the validation part; empty: there is none.
  std::function<std::unique_ptr<BatchStream>(const BatchRequest&)> validation;
  /// Where the batches come from, for a classifier that another process fits; null: from something else than a pack.
  std::shared_ptr<const PackManifest> pack = nullptr;
  std::uint64_t cache_bytes = 0;  ///< of that pack, which may be kept in memory

  std::size_t training_examples() const {
    std::size_t sum = 0;
    for (const std::size_t size : label_sizes) sum += size;
    return sum;
  }
};

/// Batches of a pack, by the parts that the manifest states: training is fitted on, validation decides when to stop; a
/// pack without a training part is fitted on whole. For another split than the stored one (--scheme, --split-file,
/// --on):
///
///     PackManifest manifest = open_pack(location);
///     assign_parts(manifest, parts);  // one part per record; nothing: the record is left out
///     classifier->fit_batches(pack_batches(manifest), context);
///
/// Records are read as the training goes; `cache_bytes` of them may be kept in memory, so that a small pack is read
/// once. Features arrive as they were packed: preprocessing fitted on a table (PCA) cannot be applied and must be
/// refused.
BatchSource pack_batches(PackManifest manifest, std::uint64_t cache_bytes = std::uint64_t{1} << 30);

/// One part of a pack (nothing: all records) as batches, in the order of the shards unless they are shuffled.
std::unique_ptr<BatchStream> open_batches(const PackManifest& manifest, std::optional<Part> part,
                                          const BatchRequest& request, bool shuffle, std::uint64_t cache_bytes);

}  // namespace genrewise
