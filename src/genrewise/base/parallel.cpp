#include "genrewise/base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/runtime.hpp"

namespace genrewise {
namespace {

thread_local bool inside = false;

}  // namespace

int thread_budget() {
  return Runtime::current().threads();
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
    try {
      for (int worker = 1; worker < threads; ++worker)
        helpers.push_back(start_thread([&work, worker] { work(worker); }));
    } catch (const ThreadError&) {  // fewer threads do the same work
    } catch (...) {
      stop = true;
      throw;
    }
    work(0);
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace genrewise
