// Whether work should stop: the interrupt flag of the current Runtime.
#pragma once

#include <chrono>

namespace genrewise {

class Runtime;

/// As the members of Runtime::current() of the same name.
void request_interrupt() noexcept;
void clear_interrupt() noexcept;
bool interrupt_requested() noexcept;
/// Throws Interrupted when a stop was asked for. parallel_for() calls it between items; long loops call it themselves.
void throw_if_interrupted();

/// Waits that long; throws Interrupted within a tenth of a second when a stop is asked for.
void sleep_unless_interrupted(std::chrono::milliseconds time);

/// For a piece of work that must not end half-way: while one lives, throw_if_interrupted() does nothing in any thread
/// of the runtime that was current when it was made (interrupt_requested() still says so), and the request is met at
/// the next safe point after it.
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
