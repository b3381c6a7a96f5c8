// Shards -> training batches.
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
  std::size_t size = 0;                ///< examples in it
  std::size_t values = 0;              ///< numbers per example
  std::vector<float> features;         ///< row-major, at least size * values; what lies behind means nothing
  std::vector<int> labels;             ///< size
  std::vector<std::uint32_t> records;  ///< size; numbers of the examples, counted through the pack's shards in order
  /// A stage that mixes examples says with which label and which share of it; empty: nothing is mixed.
  std::vector<int> other_labels;
  std::vector<float> other_shares;
  std::uint64_t epoch = 0, number = 0;  ///< which batch of which epoch this is

  std::span<const float> row(std::size_t i) const { return std::span(features).subspan(i * values, values); }
};

/// Where a stream of batches stands, to be saved beside a checkpoint.
struct BatchPosition {
  std::uint64_t epoch = 0, batch = 0;  ///< of the batch that comes next
  std::string stream;                  ///< fingerprint of the data and of all that decides the order
};

/// Anything that gives batches. A stage that changes them (augmentation) owns the one before it and is one itself.
class BatchStream {
 public:
  virtual ~BatchStream() = default;
  /// Fills `batch`, whose memory is used again; false when there are no more.
  virtual bool next(Batch& batch) = 0;
  virtual BatchPosition position() const = 0;
};

enum class PartsBy {
  record,  ///< as the manifest says of each record
  shard    ///< whole shards: the first 64 % for training, the next 16 % for validation, the rest for test
};

struct BatchConfig {
  std::size_t batch_size = 32;
  std::optional<Part> part = std::nullopt;  ///< nothing: all records
  PartsBy parts_by = PartsBy::record;
  std::size_t shuffle_records = 0;  ///< records are mixed within about this many; 0: the order of the shards
  std::uint64_t seed = kDefaultSeed;
  std::uint64_t epochs = 1;     ///< 0: without end
  bool drop_remainder = false;  ///< leave out the last batch of an epoch when it is not full
  int workers = 1;              ///< threads that read ahead; 0: next() reads
  std::size_t prefetch_batches = 4;
  std::uint64_t cache_bytes = 0;  ///< keep the selection's records in memory when they take no more than this
  int rank = 0, ranks = 1;        ///< this process's share of the selection
  double damage_budget = 0.01;    ///< the share of the selection that may be damaged
  std::optional<BatchPosition> start = std::nullopt;
};

/// Batches out of a pack.
///
/// The order is decided before anything is read: an epoch shuffles blocks (neighbouring records, about 512 KiB) of all
/// shards, takes as many as hold `shuffle_records` records, and mixes these; then the next. So batches are the same for
/// any number of workers, a position is two numbers, and starting there reads nothing twice. Ranks take neighbouring
/// shares of the selection, whose sizes differ by at most one record; with drop_remainder all ranks give equally many
/// batches. Records of other parts and ranks are not read unless they lie between wanted ones in less than 64 KiB.
///
/// Memory: up to 2 * shuffle_records + (prefetch_batches + 1) * batch_size records, and the cache. A pack in an object
/// store: 128 MiB more (2 * GENREWISE_CONNECTIONS parts of 8 MiB), in which what comes next is fetched.
///
/// A damaged record is left out of its batch (which is then smaller), and told once by damage(). When more than
/// damage_budget of the selection are damaged, missing shards included, the constructor or next() throws Error.
class BatchReader final : public BatchStream {
 public:
  /// Throws Error for a configuration that gives no batch, or a position of another stream.
  BatchReader(PackManifest manifest, BatchConfig config);
  ~BatchReader() override;

  bool next(Batch& batch) override;
  BatchPosition position() const override;

  const PackManifest& manifest() const;
  std::size_t records() const;  ///< in this rank's selection
  std::size_t batches_per_epoch() const;
  std::uint64_t selection_bytes() const;  ///< what the cache would take
  bool cached() const;                    ///< whether cache_bytes sufficed
  const std::string& track_id(std::uint32_t record) const;
  /// What was left out so far, by file and offset, in no promised order.
  std::vector<Fault> damage() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The part of each shard when whole shards are parts.
std::vector<Part> parts_of_shards(std::size_t shard_count);

}  // namespace genrewise
