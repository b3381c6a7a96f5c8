// Threads that work together on one input. Private to this folder.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace genrewise {

/// Runs a computation in phases, each of which needs the results of the one before. Every thread goes through all
/// phases; the items of a phase are taken by whichever thread is free, so a thread that comes late, or never, costs
/// only speed.
class Team {
 public:
  Team() = default;
  Team(const Team&) = delete;
  ~Team();

  /// One thread's way through the phases.
  class Member {
   public:
    Member(Team& team, std::size_t worker) : team_(team), worker_(worker) {}
    /// In [0, threads), for scratch space.
    std::size_t worker() const { return worker_; }
    std::size_t threads() const { return team_.threads_; }

    /// The next phase: calls body(item) for items in [0, items); returns when all threads' calls are done. `body` must
    /// not throw: the other threads would wait.
    template <class Body>
    void run(std::size_t items, const Body& body) {
      if (team_.threads_ == 1) {
        for (std::size_t i = 0; i < items; ++i) body(i);
        return;
      }
      Phase& phase = team_.phases_.at(phase_++);
      for (std::size_t i = phase.next++; i < items; i = phase.next++) {
        body(i);
        phase.done.fetch_add(1, std::memory_order_release);
      }
      for (int spins = 0; phase.done.load(std::memory_order_acquire) < items; ++spins)
        if (spins > kSpins) std::this_thread::yield();
    }

    /// A phase that calls body(first, last) for `parts` ranges of nearly equal size of [0, count).
    template <class Body>
    void split(std::size_t count, std::size_t parts, const Body& body) {
      run(parts, [&](std::size_t i) {
        const std::size_t first = count * i / parts, last = count * (i + 1) / parts;
        if (first < last) body(first, last);
      });
    }

   private:
    Team& team_;
    std::size_t worker_, phase_ = 0;
  };

  using Body = std::function<void(Member&)>;
  /// Calls body on `threads` threads, of which the calling one is the first; on it alone inside a parallel_for(). The
  /// others start with the first call that needs them, and wait for the next.
  void run(int threads, const Body& body);

 private:
  static constexpr int kSpins = 1 << 18;  // about 0.1 ms: longer than a phase of a balanced team lasts
  struct Phase {
    std::atomic<std::size_t> next{0}, done{0};
  };
  void help(std::size_t worker);

  std::size_t threads_ = 1;
  const Body* body_ = nullptr;
  std::array<Phase, 128> phases_;
  std::atomic<std::uint32_t> runs_{0};  // counts run() calls; its change wakes the helpers
  std::atomic<bool> open_{false}, ended_{false};
  std::atomic<int> active_{0};  // helpers that may use body_
  std::vector<std::jthread> helpers_;
};

}  // namespace genrewise
