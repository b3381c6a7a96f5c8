// Progress of a command on standard error: a line redrawn on a terminal, plain lines now and then elsewhere, or JSON
// for programs that watch jobs; and a file of metrics for Prometheus.
#pragma once

#include <chrono>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "genrewise/base/progress.hpp"

namespace genrewise::cli {

enum class LogFormat { text, json };

/// One line: {"time": UTC, "level": "info" | "warning" | "error", "event": ..., and `members`}.
std::string json_log_line(std::string_view level, std::string_view event, nlohmann::json members);

/// As JSON, a line at the start and end of each task and every ten seconds between. The file of metrics (text format of
/// Prometheus, as node_exporter's textfile collector reads it) is replaced at the same times.
class SessionProgress : public StagedProgress {
 public:
  SessionProgress();
  /// Ends a line that is still on the screen.
  ~SessionProgress() override;
  /// `quiet`: only what was skipped. `metrics_file`: empty for none.
  void configure(LogFormat format, bool quiet, std::string metrics_file, std::string command);

  /// Tasks are shown with the number of the stage and the time left in all.
  void stage(std::size_t number, std::size_t count, double this_s, double after_s) override;
  /// The unit "bytes" is shown as KB, MB, GB. Throws Error if the file of metrics cannot be written; later failures are
  /// reported once, and work continues.
  void begin(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override;
  void advance(std::uint64_t units) override;
  /// Replaces the amounts; the share and the time left stay.
  void detail(std::string_view text) override;
  void finish() override;
  void begin_part(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override;
  void finish_part() override;
  /// Wrapped and dim on a terminal; a text that was reported before is left out.
  void note(std::string_view text) override;

  /// Printed as it is, or a note in the log.
  void line(std::string_view text);
  /// Printed with `quiet`, too.
  void skipped(std::string_view text, std::size_t count);
  /// Call at the end of the command.
  void ended(int exit_code);

 private:
  using Clock = std::chrono::steady_clock;
  struct Task {
    std::string name, unit, detail;
    std::uint64_t total = 0, done = 0, done_at_start = 0;
    Clock::time_point started;

    double elapsed_s() const { return std::chrono::duration<double>(Clock::now() - started).count(); }
    double rate() const;  // units a second of this run
  };
  struct Stage {
    std::size_t number = 0, count = 0;  // 0: none
    double this_s = 0, after_s = -1;
    Clock::time_point started;
  };

  bool is_shown() const { return !json_ && !quiet_; }
  void start(Task task);
  void end(bool without_line);
  void show_task();
  void show(bool last);
  std::string state(bool last) const;
  std::string left_in_all() const;
  void print_line(std::string_view text);
  void clear_line();
  void report(std::string_view event) const;
  void write_metrics();
  std::string metrics() const;

  std::mutex mutex_;
  const bool terminal_;
  bool json_ = false, quiet_ = false, failed_ = false, line_shown_ = false;
  std::string metrics_file_, command_;
  Stage stage_;
  std::optional<Task> task_, whole_, ended_;  // whole_: of which task_ is a part; ended_: the last one
  std::set<std::string, std::less<>> noted_;
  std::size_t skipped_ = 0;
  std::optional<int> exit_code_;
  Clock::time_point next_show_, next_report_;
};

}  // namespace genrewise::cli
