/// @file
/// Reads shuffled training batches from a pack.
/// @code
/// BatchReader reader(open_pack("packs/fma"), {.batch_size = 32, .part = Part::training, .shuffle_records = 4096});
/// Batch batch;
/// while (reader.next(batch)) examples += batch.size;
/// @endcode
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/packs/pack_manifest.hpp"

namespace genrewise {

struct Batch {
  std::size_t size = 0;                ///< number of examples
  std::size_t values = 0;              ///< numbers per example
  std::vector<float> features;         ///< row-major, at least size * values; the rest is undefined
  std::vector<int> labels;             ///< size
  std::vector<std::uint32_t> records;  ///< size; indices of the examples, counted through the pack's shards in order
  /// Set by a stage that mixes examples: the other label and its share; empty: not mixed.
  std::vector<int> other_labels;
  std::vector<float> other_shares;
  std::uint64_t epoch = 0, number = 0;  ///< epoch, and number within the epoch

  std::span<const float> row(std::size_t i) const { return std::span(features).subspan(i * values, values); }
};

/// Position in a stream of batches, to be stored with a checkpoint.
struct BatchPosition {
  std::uint64_t epoch = 0, batch = 0;  ///< of the next batch
  std::string stream;                  ///< fingerprint of the data and of everything that determines the order
};

/// Interface of a source of batches. A stage that changes them (augmentation) owns its source and is a BatchStream too.
class BatchStream {
 public:
  virtual ~BatchStream() = default;
  /// Fills `batch`, reusing its memory; false if there are no more.
  virtual bool next(Batch& batch) = 0;
  virtual BatchPosition position() const = 0;
};

struct BatchConfig {
  std::size_t batch_size = 32;
  std::optional<Part> part = std::nullopt;  ///< empty: all records
  std::size_t shuffle_records = 0;          ///< size of the shuffle window, approximately; 0: the order of the shards
  std::uint64_t seed = kDefaultSeed;
  std::uint64_t epochs = 1;     ///< 0: unlimited
  bool drop_remainder = false;  ///< leave out an incomplete last batch of an epoch
  int workers = 1;              ///< threads that read ahead; 0: next() reads itself
  std::size_t prefetch_batches = 4;
  std::uint64_t cache_bytes = 0;  ///< keep the selected records in memory if they take no more than this
  int rank = 0, ranks = 1;        ///< share of the selection for this process
  double damage_budget = 0.01;    ///< maximum share of damaged records in the selection
  std::optional<BatchPosition> start = std::nullopt;
};

/// Reads batches from a pack, in an order that is fixed before anything is read (docs/record_format.md, "Reading"), so
/// batches are the same for any number of workers. Ranks get contiguous shares of the selection, whose sizes differ by
/// at most one record; with drop_remainder all ranks get the same number of batches.
///
/// Memory: up to 2 * shuffle_records + (prefetch_batches + 1) * batch_size records, and the cache. A pack in an object
/// store: 128 MiB more (2 * GENREWISE_CONNECTIONS parts of 8 MiB) for prefetching.
///
/// A damaged record is left out of its batch (which is then smaller), and reported once by damage(). If more than
/// damage_budget of the selection is damaged, missing shards included, the constructor or next() throws Error.
class BatchReader final : public BatchStream {
 public:
  /// Throws Error for a configuration without batches, or a position of another stream.
  BatchReader(PackManifest manifest, BatchConfig config);
  ~BatchReader() override;

  bool next(Batch& batch) override;
  BatchPosition position() const override;

  /// Records left out so far, by file and offset, in unspecified order.
  std::vector<Fault> damage() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Part of each shard if whole shards are parts: the first 64 % for training, the next 16 % for validation, the rest
/// for test.
std::vector<Part> parts_of_shards(std::size_t shard_count);

}  // namespace genrewise
