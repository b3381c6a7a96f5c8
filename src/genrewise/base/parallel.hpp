// Parallel loops on the threads of the current Runtime, and their results in order.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "genrewise/base/interrupt.hpp"

namespace genrewise {

/// Runtime::current().threads(); also the limit for threaded libraries (BLAS, libtorch).
int thread_budget();

/// Calls body(index, worker) once for each index in [0, count), on at most `threads` threads (0: thread_budget()), in
/// unspecified order. `worker` in [0, threads) identifies the thread, for scratch space; every thread has the caller's
/// Runtime. Returns when all calls are done. The first exception stops the loop and is rethrown; an interrupt (Ctrl-C)
/// throws Interrupted between two items. A nested call runs on the calling thread only, so thread counts never
/// multiply.
void parallel_for(std::size_t count, const std::function<void(std::size_t index, int worker)>& body, int threads = 0);

/// True inside the body of a parallel_for() that runs on more than one thread; libraries with their own threads should
/// then use one.
bool inside_parallel_for();

/// Accepts results from any thread in any order and passes them to `take` in index order, one at a time. Threads that
/// are `most_ahead` items or more ahead wait.
template <class Result>
class InOrder {
 public:
  InOrder(std::size_t most_ahead, std::function<void(std::size_t, Result&)> take)
      : most_ahead_(most_ahead), take_(std::move(take)) {}

  /// Call before work on item `i` starts; false after stop(). Throws Interrupted.
  bool wait_for_turn(std::size_t i) {
    std::unique_lock lock(mutex_);
    while (i >= next_ + most_ahead_) {
      if (stopped_) return false;
      throw_if_interrupted();
      changed_.wait_for(lock, std::chrono::milliseconds(100));
    }
    return !stopped_;
  }
  /// Hands in the result of item `i`; may call `take` for it and for items that follow.
  void put(std::size_t i, Result result) {
    std::unique_lock lock(mutex_);
    waiting_.emplace(i, std::move(result));
    if (taking_) return;
    taking_ = true;
    for (auto found = waiting_.find(next_); found != waiting_.end() && !stopped_; found = waiting_.find(next_)) {
      auto node = waiting_.extract(found);
      lock.unlock();
      take_(node.key(), node.mapped());
      lock.lock();
      ++next_;
      changed_.notify_all();
    }
    taking_ = false;
  }
  /// Call after a failure: releases all waiting threads.
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  const std::size_t most_ahead_;
  const std::function<void(std::size_t, Result&)> take_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::size_t, Result> waiting_;
  std::size_t next_ = 0;
  bool taking_ = false, stopped_ = false;
};

}  // namespace genrewise
