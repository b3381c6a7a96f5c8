// One flag for the whole process: has the person asked us to stop?
#pragma once

#include <chrono>

namespace genrewise {

/// Asks all long work to stop at its next safe point. Safe to call from a signal handler.
void request_interrupt() noexcept;
/// For tests, and for programs that go on after an interruption.
void clear_interrupt() noexcept;
bool interrupt_requested() noexcept;

/// Throws Interrupted when a stop was asked for. parallel_for() calls it between items; long loops call it themselves.
void throw_if_interrupted();

/// Waits that long; throws Interrupted within a tenth of a second when a stop is asked for.
void sleep_unless_interrupted(std::chrono::milliseconds time);

/// For a piece of work that must not end half-way: while one lives, throw_if_interrupted() does nothing in any thread
/// (interrupt_requested() still tells), and the request is met at the next safe point behind it.
class HoldInterrupts {
 public:
  HoldInterrupts() noexcept;
  ~HoldInterrupts();
  HoldInterrupts(const HoldInterrupts&) = delete;
  HoldInterrupts& operator=(const HoldInterrupts&) = delete;
};

}  // namespace genrewise
