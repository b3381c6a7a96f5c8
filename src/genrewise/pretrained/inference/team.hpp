// Threads that work on one input together. Private to this folder.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

namespace genrewise {

/// Waits of some microseconds spin; when it takes longer, `rest` is called between two looks.
template <class Done, class Rest>
void spin_until(const Done& done, const Rest& rest) {
  constexpr int kSpins = 20'000;
  for (int spins = 0; !done(); ++spins) {
    if (spins > kSpins) rest();
  }
}

/// Where the members of a team wait for each other, and where they take their work between two waits. Waits are some
/// microseconds, so they spin; a member that was put to sleep by the system is waited for with yields.
class Meeting {
 public:
  explicit Meeting(int members) : members_(members) {}
  /// The next `most` of `items` things that no member has taken since the last wait; empty when all are taken. Who is
  /// slower, or was put to sleep, takes less.
  std::pair<std::size_t, std::size_t> take(std::size_t items, std::size_t most) {
    const std::size_t first = std::min(items, taken_.fetch_add(most, std::memory_order_relaxed));
    return {first, std::min(items, first + most)};
  }
  void wait() {
    if (members_ == 1) {
      taken_.store(0, std::memory_order_relaxed);
      return;
    }
    const unsigned round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == members_ - 1) {
      arrived_.store(0, std::memory_order_relaxed);
      taken_.store(0, std::memory_order_relaxed);
      round_.fetch_add(1, std::memory_order_release);
      return;
    }
    spin_until([&] { return round_.load(std::memory_order_acquire) != round; }, std::this_thread::yield);
  }

 private:
  const int members_;
  std::atomic<int> arrived_{0};
  std::atomic<std::size_t> taken_{0};
  std::atomic<unsigned> round_{0};
};

/// Which part of the work a member does.
struct Member {
  int index = 0, count = 1;
  Meeting& meeting;
  /// [first, last) of `items` things, as equal as they can be.
  std::size_t first(std::size_t items) const {
    return items * static_cast<std::size_t>(index) / static_cast<std::size_t>(count);
  }
  std::size_t last(std::size_t items) const {
    return items * (static_cast<std::size_t>(index) + 1) / static_cast<std::size_t>(count);
  }
  /// How many of `items` things to take at once: all for one member, else a third of an equal share.
  std::size_t portion(std::size_t items) const {
    return count == 1 ? items : std::max<std::size_t>(1, items / (3 * static_cast<std::size_t>(count)));
  }
  /// Calls body(first, last) for portions of `items` things until all are taken, by any member; once between two waits.
  template <class Body>
  void share(std::size_t items, std::size_t most, const Body& body) const {
    for (;;) {
      const auto [first, last] = meeting.take(items, most);
      if (first == last) return;
      body(first, last);
    }
  }
};

/// Threads that stay for the next work: between two images of a stream they spin, after some dozen microseconds they
/// sleep. One caller at a time.
class Team {
 public:
  Team() = default;
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() {
    work_ = nullptr;
    begin();
  }

  /// Runs `work` once on each of `threads` threads, of which the caller is one, and returns when all are done. `work`
  /// must not throw: the others would wait for ever.
  void run(int threads, const std::function<void(const Member&)>& work) {
    Meeting meeting(threads);
    if (threads > 1) {
      meeting_ = &meeting;
      work_ = &work;
      members_ = threads;
      left_.store(static_cast<int>(others_.size()), std::memory_order_relaxed);
      begin();
      for (int i = static_cast<int>(others_.size()) + 1; i < threads; ++i) {
        left_.fetch_add(1, std::memory_order_relaxed);
        others_.emplace_back([this, i, before = round_.load() - 1] { serve(i, before); });
      }
    }
    work({0, threads, meeting});
    spin_until([&] { return left_.load(std::memory_order_acquire) == 0; }, std::this_thread::yield);
  }

 private:
  void begin() {
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
  }

  void serve(int index, unsigned seen) {
    for (;;) {
      spin_until([&] { return round_.load(std::memory_order_acquire) != seen; }, [&] { round_.wait(seen); });
      ++seen;
      if (work_ == nullptr) return;
      if (index < members_) (*work_)({index, members_, *meeting_});
      left_.fetch_sub(1, std::memory_order_release);
    }
  }

  const std::function<void(const Member&)>* work_ = nullptr;
  Meeting* meeting_ = nullptr;
  int members_ = 1;
  std::atomic<unsigned> round_{0};
  std::atomic<int> left_{0};
  std::vector<std::jthread> others_;  // last: they end before what they use
};

}  // namespace genrewise
