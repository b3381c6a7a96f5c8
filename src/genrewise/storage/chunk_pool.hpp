// A pool of buffers for data from the network.
#pragma once

#include <cstddef>
#include <memory>

namespace genrewise {

/// Hands out buffers that return to the pool when their last owner releases them. New memory costs a page fault per 4
/// KiB, as much time as receiving the bytes, so returned buffers are reused first, the most recent (warm in cache)
/// before others, and new memory is allocated as huge pages. The memory is freed with the pool and the last chunk.
/// Thread-safe.
class ChunkPool {
 public:
  static constexpr std::size_t kChunkBytes = 256 << 10;  ///< half of a common L2 cache

  ChunkPool();
  /// Returns uninitialised memory of at least `bytes` bytes (at most kChunkBytes). Smaller requests are allocated
  /// outside the pool, so they take no full chunk.
  std::shared_ptr<std::byte[]> get(std::size_t bytes);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace genrewise
