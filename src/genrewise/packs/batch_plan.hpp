// Plan of a stream of batches: its records, their order, and the blocks in which they are read. Does no I/O.
#pragma once

#include <cstdint>
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
  std::uint64_t seed_;
  std::vector<BatchBlock> blocks_;
  std::string fingerprint_;
};

}  // namespace genrewise
