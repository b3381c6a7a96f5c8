// The interrupt flag of the current Runtime.
#pragma once

#include <chrono>

namespace genrewise {

class Runtime;

/// Same as the member functions of Runtime::current().
void request_interrupt() noexcept;
void clear_interrupt() noexcept;
bool interrupt_requested() noexcept;
/// Throws Interrupted if an interrupt was requested. parallel_for() calls it between items; other long loops call it
/// themselves.
void throw_if_interrupted();

/// Sleeps for `time`; throws Interrupted within 0.1 s of a request.
void sleep_unless_interrupted(std::chrono::milliseconds time);

/// Scope guard for work that must not stop half-way. While it exists, throw_if_interrupted() does nothing in any thread
/// of the Runtime that was current at construction; interrupt_requested() still returns true, and the request takes
/// effect at the next safe point afterwards.
class HoldInterrupts {
 public:
  HoldInterrupts() noexcept;
  ~HoldInterrupts();
  HoldInterrupts(const HoldInterrupts&) = delete;
  HoldInterrupts& operator=(const HoldInterrupts&) = delete;

 private:
  Runtime& runtime_;
};

}  // namespace genrewise
