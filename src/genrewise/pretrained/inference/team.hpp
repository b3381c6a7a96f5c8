// Threads that work together on one input. Private to this folder.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <thread>

namespace genrewise {

/// A computation in phases, each of which needs the results of the one before. Every thread goes through all phases;
/// the items of a phase are taken by whichever thread is free, so a thread that comes late, or never, costs only speed.
class Team {
 public:
  explicit Team(int threads) : threads_(threads) {}
  int threads() const { return threads_; }

  /// One thread's way through the phases.
  class Member {
   public:
    explicit Member(Team& team) : team_(team) {}

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
      constexpr int kSpins = 20000;  // some microseconds; a thread that has lost its processor takes longer
      for (int spins = 0; phase.done.load(std::memory_order_acquire) < items; ++spins)
        if (spins > kSpins) std::this_thread::yield();
    }

   private:
    Team& team_;
    std::size_t phase_ = 0;
  };

 private:
  struct Phase {
    std::atomic<std::size_t> next{0}, done{0};
  };
  const int threads_;
  std::array<Phase, 128> phases_;
};

}  // namespace genrewise
