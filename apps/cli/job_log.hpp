// Progress for programs that watch jobs: log lines as JSON, and a file of metrics for Prometheus.
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

/// Writes a log line at the start and end of each task and every ten seconds between, and with it replaces the file of
/// metrics (text format of Prometheus, as node_exporter's textfile collector reads it).
class JobLog : public StagedProgress {
 public:
  /// `display` receives everything too, if not null. `lines`: to standard error; `quiet`: of these only what was
  /// skipped. `metrics_file`: empty for none.
  void configure(StagedProgress* display, bool lines, bool quiet, std::string metrics_file, std::string command);

  void stage(std::size_t number, std::size_t count, double this_s, double after_s) override;
  /// Throws Error if the file of metrics cannot be written; later failures are reported once, and work continues.
  void begin(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override;
  void advance(std::uint64_t units) override;
  void detail(std::string_view text) override;
  void finish() override;
  void begin_part(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override;
  void finish_part() override;
  /// A text that was logged before is left out.
  void note(std::string_view text) override;

  void skipped(std::string_view text, std::size_t count);
  /// Call at the end of the command.
  void ended(int exit_code);

 private:
  using Clock = std::chrono::steady_clock;
  struct Task {
    std::string name, unit, detail;
    std::uint64_t total = 0, done = 0, done_at_start = 0;
    Clock::time_point started;

    double elapsed_s() const;
    double rate() const;  // units a second of this run
  };

  void start(Task task);
  void end(std::optional<Task> next);
  void report(std::string_view event);
  void write_metrics();
  std::string metrics() const;

  std::mutex mutex_;
  StagedProgress* display_ = nullptr;
  bool lines_ = false, quiet_ = false, failed_ = false;
  std::string metrics_file_, command_;
  std::optional<Task> task_, whole_, ended_;  // whole_: of which task_ is a part; ended_: the last one
  std::set<std::string, std::less<>> noted_;
  std::size_t skipped_ = 0;
  std::optional<int> exit_code_;
  Clock::time_point next_;
};

}  // namespace genrewise::cli
