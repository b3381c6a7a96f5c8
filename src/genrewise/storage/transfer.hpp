// Threads and buffers for network transfers.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace genrewise {

/// They mostly wait, so they are not part of the thread budget.
class TransferThreads {
 public:
  explicit TransferThreads(int most) : most_(static_cast<std::size_t>(most)) {}
  /// Drops tasks that have not started and waits for the others.
  ~TransferThreads();
  TransferThreads(const TransferThreads&) = delete;
  TransferThreads& operator=(const TransferThreads&) = delete;

  /// Runs `task`, which must not throw, when a thread is free. Threads are started on demand, at most `most`. Throws
  /// ThreadError, and drops the task, if not even one can be started.
  void run(std::function<void()> task);

 private:
  void work(const std::stop_token& stop);

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::function<void()>> tasks_;
  std::size_t idle_ = 0;
  std::vector<std::jthread> threads_;
};

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
