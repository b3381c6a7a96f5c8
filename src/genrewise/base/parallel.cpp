#include "genrewise/base/parallel.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"

namespace genrewise {
namespace {

int available_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

std::atomic<int> budget{0};
thread_local bool inside = false;

}  // namespace

int thread_budget() {
  const int set = budget.load();
  return set > 0 ? set : available_processors();
}

void set_thread_budget(int count) {
  if (count < 1) throw Error("the number of threads must be at least 1", "--threads");
  budget.store(count);
}

bool inside_parallel_for() {
  return inside;
}

void parallel_for(std::size_t count, const std::function<void(std::size_t, int)>& body, int threads) {
  if (threads <= 0) threads = thread_budget();
  threads = static_cast<int>(std::min<std::size_t>(threads, count));
  if (threads <= 1 || inside) {
    for (std::size_t i = 0; i < count; ++i) {
      throw_if_interrupted();
      body(i, 0);
    }
    return;
  }
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stop{false};
  std::exception_ptr first;
  std::mutex first_mutex;
  auto work = [&](int worker) {
    inside = true;
    try {
      for (std::size_t i = next++; i < count && !stop; i = next++) {
        throw_if_interrupted();
        body(i, worker);
      }
    } catch (...) {
      stop = true;
      const std::lock_guard lock(first_mutex);
      if (!first) first = std::current_exception();
    }
    inside = false;
  };
  {
    std::vector<std::jthread> helpers;
    for (int worker = 1; worker < threads; ++worker) helpers.emplace_back(work, worker);
    work(0);
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace genrewise
