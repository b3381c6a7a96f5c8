// Memory for what comes from the network, used again and again.
#pragma once

#include <cstddef>
#include <memory>

namespace genrewise {

/// Pieces of memory that are given out and come back by themselves. New memory costs a page fault for every 4 KiB, as
/// much time as it takes to receive them; so what has come back is given out first, the warmest (in the cache) before
/// the others, and new memory is asked for in huge pages. All of it goes back to the system with the pool and the last
/// chunk. Safe from any thread.
class ChunkPool {
 public:
  static constexpr std::size_t kChunkBytes = 256 << 10;  ///< half of a common L2 cache

  ChunkPool();
  /// Not initialised; at least `bytes`, which are at most kChunkBytes. Less than that is taken from elsewhere, so that
  /// little pieces take little memory.
  std::shared_ptr<std::byte[]> get(std::size_t bytes);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace genrewise
