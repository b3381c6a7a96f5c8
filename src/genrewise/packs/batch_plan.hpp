// Plan of a stream of batches: its records, their order, the blocks in which they are read, and the examples of each
// batch. Does no I/O.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "genrewise/packs/batches.hpp"

namespace genrewise {

/// A run of neighbouring records that is read at once.
struct BatchBlock {
  std::uint32_t shard = 0;
  std::uint64_t offset = 0, bytes = 0;                ///< range in the decompressed shard
  std::uint64_t stored_offset = 0, stored_bytes = 0;  ///< range in the file; equal without compression
  std::vector<std::uint32_t> records;                 ///< indices of the selected records in the shard
};

/// One example: index of a block in the window, and index of a record in that block.
struct BatchPick {
  std::uint32_t block = 0, record = 0;
};

class BatchPlan {
 public:
  /// Throws Error if `config` selects nothing.
  BatchPlan(const PackManifest& manifest, const BatchConfig& config);

  std::size_t records() const { return records_; }
  std::size_t batches_per_epoch() const { return batches_; }
  const std::vector<BatchBlock>& blocks() const { return blocks_; }
  std::uint64_t bytes() const;  ///< size of all blocks, decompressed
  /// Fingerprint of everything that determines the batches: data, selection, sizes, seed.
  const std::string& fingerprint() const { return fingerprint_; }

  /// The windows of an epoch in order; each is a list of blocks in reading order.
  std::vector<std::vector<std::uint32_t>> windows(std::uint64_t epoch) const;
  /// The examples of that window in batch order.
  std::vector<BatchPick> order(std::span<const std::uint32_t> window, std::uint64_t epoch, std::size_t number) const;

 private:
  void add_plain_blocks(const PackedShard& shard, std::uint32_t number, std::span<const std::uint32_t> records);
  void add_compressed_blocks(const PackedShard& shard, std::uint32_t number, std::span<const std::uint32_t> records);

  std::size_t shuffle_records_, records_ = 0, batches_ = 0;
  std::uint64_t seed_, block_bytes_ = 0;
  std::vector<BatchBlock> blocks_;
  std::string fingerprint_;
};

struct LoadedBlock;

/// Blocks whose examples are shuffled with each other, with their loading state.
struct BatchWindow {
  std::vector<std::uint32_t> blocks;  ///< indices into the plan's blocks
  std::vector<BatchPick> order;
  std::vector<std::shared_ptr<LoadedBlock>> loaded;  ///< one per block
  std::size_t next_block = 0, ready_blocks = 0;      ///< number handed to workers; number loaded
  std::size_t left = 0;                              ///< examples that are not in a batch yet
  bool ready() const { return ready_blocks == blocks.size(); }
};

struct LaidOutBatch {
  struct Piece {
    std::shared_ptr<BatchWindow> window;
    std::size_t from = 0, to = 0;  ///< range of the window's order
  };
  std::uint64_t epoch = 0, number = 0;
  std::vector<Piece> pieces;
};

class BatchLayout {
 public:
  struct Listener {
    /// A window begins; its blocks must be loaded.
    std::function<void(const std::shared_ptr<BatchWindow>&)> begun;
    /// These blocks will be loaded soon. Optional.
    std::function<void(std::span<const std::uint32_t>)> soon = {};
  };

  /// `plan` must outlive the layout.
  BatchLayout(const BatchPlan& plan, std::size_t batch_size, std::uint64_t epochs, Listener listener);
  /// Sets the next batch. Call before the first next().
  void go_to(std::uint64_t epoch, std::uint64_t batch);
  /// Empty after the last batch of the last epoch.
  std::optional<LaidOutBatch> next();
  /// Begins the window after the newest one of this epoch before a batch needs it; false if it has begun already or
  /// does not exist.
  bool read_ahead();

 private:
  void start_epoch();
  std::shared_ptr<BatchWindow> begin_window();
  void open_window();
  void announce_ahead();
  std::uint64_t stored_bytes(std::size_t window) const;
  bool continues(std::uint32_t block, std::size_t window) const;

  const BatchPlan& plan_;
  const std::size_t batch_size_;
  const std::uint64_t epochs_;  // 0: unlimited
  const Listener listener_;
  std::uint64_t epoch_ = 0, batch_ = 0;
  std::vector<std::vector<std::uint32_t>> windows_;  // block indices of this epoch
  std::size_t next_window_ = 0;
  std::shared_ptr<BatchWindow> newest_, ahead_;           // current source of batches; begun in advance
  std::size_t taken_ = 0;                                 // examples of newest_
  std::size_t announced_windows_ = 0, left_windows_ = 0;  // announced to the listener; of these, already begun
  std::uint64_t announced_bytes_ = 0;                     // bytes of the announced windows that have not begun
};

}  // namespace genrewise
