// Progress on standard error: one line redrawn on a terminal, a plain line now and then elsewhere.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "genrewise/base/progress.hpp"

namespace genrewise::cli {

class TerminalProgress : public Progress {
 public:
  TerminalProgress();
  /// Ends a line that still stands.
  ~TerminalProgress() override;

  /// The unit "bytes" is shown as KB, MB, GB.
  void begin(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override;
  void advance(std::uint64_t units) override;
  void finish() override;
  void note(std::string_view text) override;

 private:
  using Clock = std::chrono::steady_clock;
  void show(Clock::time_point now, bool last);
  std::string line(Clock::time_point now, bool last) const;
  std::string amount(double units) const;
  void clear_line();
  void end_task();

  std::mutex mutex_;
  const bool terminal_;
  bool running_ = false, line_stands_ = false;
  std::string task_, unit_;
  std::uint64_t total_ = 0, done_ = 0, done_at_start_ = 0;
  Clock::time_point started_, next_show_;
};

}  // namespace genrewise::cli
