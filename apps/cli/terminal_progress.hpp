// Progress on standard error: one line redrawn on a terminal, a plain line now and then elsewhere.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "genrewise/base/progress.hpp"

namespace genrewise::cli {

class TerminalProgress : public StagedProgress {
 public:
  TerminalProgress();
  /// Ends a line that is still on the screen.
  ~TerminalProgress() override;

  /// Tasks are shown with the number of the stage and the time left in all.
  void stage(std::size_t number, std::size_t count, double this_s, double after_s) override;
  /// The unit "bytes" is shown as KB, MB, GB.
  void begin(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override;
  void advance(std::uint64_t units) override;
  /// Replaces the amounts; the share and the time left stay.
  void detail(std::string_view text) override;
  void finish() override;
  void begin_part(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override;
  void finish_part() override;
  /// Wrapped and dim on a terminal; a text that was printed before is left out.
  void note(std::string_view text) override;

  /// Printed as it is.
  void line(std::string_view text);

 private:
  using Clock = std::chrono::steady_clock;
  struct Task {
    std::string name, unit, detail;
    std::uint64_t total = 0, done = 0, done_at_start = 0;
    Clock::time_point started;
  };
  void start(Task task);
  void show(Clock::time_point now, bool last);
  std::string state(Clock::time_point now, bool last) const;
  std::string left_in_all(Clock::time_point now) const;
  void print_line(std::string_view text);
  std::string amount(double units) const;
  void clear_line();
  /// `replaced`: another task begins; one that has done nothing then leaves no line.
  void end_task(bool replaced = false);

  struct Stage {
    std::size_t number = 0, count = 0;  // 0: none
    double this_s = 0, after_s = -1;
    Clock::time_point started;
  };

  std::mutex mutex_;
  Stage stage_;
  const bool terminal_;
  bool running_ = false, line_shown_ = false;
  Task task_;
  std::optional<Task> whole_;  // of which the current task is a part
  std::set<std::string, std::less<>> noted_;
  Clock::time_point next_show_;
};

}  // namespace genrewise::cli
