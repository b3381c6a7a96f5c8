// Threads that work on one input together. Private to this folder.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace genrewise {

/// Busy-waits for some microseconds; after that calls `rest` between checks.
template <class Done, class Rest>
void spin_until(const Done& done, const Rest& rest) {
  constexpr int kSpins = 20'000;
  for (int spins = 0; !done(); ++spins) {
    if (spins > kSpins) rest();
  }
}

/// Barrier of the workers of a team, with a work queue between two waits. Waits take some microseconds, so they spin;
/// when a worker is not scheduled, the others yield.
class Barrier {
 public:
  explicit Barrier(int workers) : workers_(workers) {}
  /// Takes the next `most` of `items` items that no worker has taken since the last wait; empty when all are taken.
  /// Slower workers take fewer.
  std::pair<std::size_t, std::size_t> take(std::size_t items, std::size_t most) {
    const std::size_t first = std::min(items, taken_.fetch_add(most, std::memory_order_relaxed));
    return {first, std::min(items, first + most)};
  }
  void wait() {
    if (workers_ == 1) {
      taken_.store(0, std::memory_order_relaxed);
      return;
    }
    const unsigned round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == workers_ - 1) {
      arrived_.store(0, std::memory_order_relaxed);
      taken_.store(0, std::memory_order_relaxed);
      round_.fetch_add(1, std::memory_order_release);
      return;
    }
    spin_until([&] { return round_.load(std::memory_order_acquire) != round; }, std::this_thread::yield);
  }

 private:
  const int workers_;
  std::atomic<int> arrived_{0};
  std::atomic<std::size_t> taken_{0};
  std::atomic<unsigned> round_{0};
};

/// One worker's index and its share of the work.
struct Worker {
  int index = 0, count = 1;
  Barrier& barrier;
  /// [first, last) of `items` items, in nearly equal shares.
  std::size_t first(std::size_t items) const {
    return items * static_cast<std::size_t>(index) / static_cast<std::size_t>(count);
  }
  std::size_t last(std::size_t items) const {
    return items * (static_cast<std::size_t>(index) + 1) / static_cast<std::size_t>(count);
  }
  /// Number of items to take at a time: all for a single worker, else a third of an equal share.
  std::size_t portion(std::size_t items) const {
    return count == 1 ? items : std::max<std::size_t>(1, items / (3 * static_cast<std::size_t>(count)));
  }
  /// Calls body(first, last) for portions of `items` items until the workers have taken all; once between two waits.
  template <class Body>
  void share(std::size_t items, std::size_t most, const Body& body) const {
    for (;;) {
      const auto [first, last] = barrier.take(items, most);
      if (first == last) return;
      body(first, last);
    }
  }
};

/// Threads that are reused: after their work they spin for some dozen microseconds, then sleep. One caller at a time.
class Team {
 public:
  Team() = default;
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() {
    work_ = nullptr;
    begin();
  }

  /// Runs `work` once on each of `threads` threads, including the caller, and returns when all are done. `work` must
  /// not throw: the others would wait forever.
  void run(int threads, const std::function<void(const Worker&)>& work) {
    threads = start_missing(threads);
    Barrier barrier(threads);
    if (threads > 1) {
      barrier_ = &barrier;
      work_ = &work;
      workers_ = threads;
      left_.store(static_cast<int>(others_.size()), std::memory_order_relaxed);
      begin();
    }
    work({0, threads, barrier});
    spin_until([&] { return left_.load(std::memory_order_acquire) == 0; }, std::this_thread::yield);
  }

 private:
  /// Returns the number of threads, with the caller, that there are then: fewer if no more can be started.
  int start_missing(int threads) {
    for (int i = static_cast<int>(others_.size()) + 1; i < threads; ++i) {
      try {
        others_.emplace_back([this, i, before = round_.load()] { serve(i, before); });
      } catch (const std::system_error&) {
        return i;
      }
    }
    return threads;
  }

  void begin() {
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
  }

  void serve(int index, unsigned seen) {
    for (;;) {
      spin_until([&] { return round_.load(std::memory_order_acquire) != seen; }, [&] { round_.wait(seen); });
      ++seen;
      if (work_ == nullptr) return;
      if (index < workers_) (*work_)({index, workers_, *barrier_});
      left_.fetch_sub(1, std::memory_order_release);
    }
  }

  const std::function<void(const Worker&)>* work_ = nullptr;
  Barrier* barrier_ = nullptr;
  int workers_ = 1;
  std::atomic<unsigned> round_{0};
  std::atomic<int> left_{0};
  std::vector<std::jthread> others_;  // last: they end before what they use is destroyed
};

}  // namespace genrewise
