#include "genrewise/base/interrupt.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {
std::atomic<bool> requested{false};
std::atomic<int> held{0};
static_assert(std::atomic<bool>::is_always_lock_free, "needed in a signal handler");
}  // namespace

void request_interrupt() noexcept {
  requested.store(true, std::memory_order_relaxed);
}
void clear_interrupt() noexcept {
  requested.store(false, std::memory_order_relaxed);
}
bool interrupt_requested() noexcept {
  return requested.load(std::memory_order_relaxed);
}

void throw_if_interrupted() {
  if (interrupt_requested() && held.load(std::memory_order_relaxed) == 0) throw Interrupted();
}

HoldInterrupts::HoldInterrupts() noexcept {
  held.fetch_add(1, std::memory_order_relaxed);
}
HoldInterrupts::~HoldInterrupts() {
  held.fetch_sub(1, std::memory_order_relaxed);
}

void sleep_unless_interrupted(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  for (auto now = end - time; now < end; now = std::chrono::steady_clock::now()) {
    throw_if_interrupted();
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(end - now, std::chrono::milliseconds(100)));
  }
}

}  // namespace genrewise
