#include "genrewise/base/interrupt.hpp"

#include <algorithm>
#include <thread>

#include "genrewise/base/runtime.hpp"

namespace genrewise {

void request_interrupt() noexcept {
  Runtime::current().request_interrupt();
}
void clear_interrupt() noexcept {
  Runtime::current().clear_interrupt();
}
bool interrupt_requested() noexcept {
  return Runtime::current().interrupt_requested();
}
void throw_if_interrupted() {
  Runtime::current().throw_if_interrupted();
}

HoldInterrupts::HoldInterrupts() noexcept : runtime_(Runtime::current()) {
  runtime_.held_.fetch_add(1, std::memory_order_relaxed);
}
HoldInterrupts::~HoldInterrupts() {
  runtime_.held_.fetch_sub(1, std::memory_order_relaxed);
}

void sleep_unless_interrupted(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  for (auto now = end - time; now < end; now = std::chrono::steady_clock::now()) {
    throw_if_interrupted();
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(end - now, std::chrono::milliseconds(100)));
  }
}

}  // namespace genrewise
