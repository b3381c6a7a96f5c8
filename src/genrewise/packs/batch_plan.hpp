// Which records a stream of batches gives, in which order, and in which pieces they are read. Nothing here reads.
#pragma once

#include <cstdint>
#include <vector>

#include "genrewise/packs/batches.hpp"

namespace genrewise {

/// A run of neighbouring records that are read at once.
struct BatchBlock {
  std::uint32_t shard = 0;
  std::uint64_t offset = 0, bytes = 0;                ///< in the decompressed shard, first frame to last
  std::uint64_t stored_offset = 0, stored_bytes = 0;  ///< in the file; the same where nothing is compressed
  std::vector<std::uint32_t> records;                 ///< the selected ones, by their number in the shard
};

/// One example: a block (by its place in the window) and a record of it (by its place in the block).
struct BatchPick {
  std::uint32_t block = 0, record = 0;
};

class BatchPlan {
 public:
  /// Throws Error where `config` selects nothing.
  BatchPlan(const PackManifest& manifest, const BatchConfig& config);

  std::size_t records() const { return records_; }
  std::size_t batches_per_epoch() const { return batches_; }
  const std::vector<BatchBlock>& blocks() const { return blocks_; }
  std::uint64_t bytes() const;  ///< of all blocks, decompressed
  /// Of all that decides which batches come: data, selection, sizes, seed.
  const std::string& fingerprint() const { return fingerprint_; }

  /// The windows of an epoch in order; each lists its blocks in the order in which to read them.
  std::vector<std::vector<std::uint32_t>> windows(std::uint64_t epoch) const;
  /// The examples of that window in the order in which batches take them.
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
