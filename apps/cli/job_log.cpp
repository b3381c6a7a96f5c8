#include "job_log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kInterval = 10s;

/// A value of a label in Prometheus' text format.
std::string label_value(std::string_view text) {
  std::string escaped;
  for (const char letter : text) {
    if (letter == '\\' || letter == '"') escaped += '\\';
    escaped += letter == '\n' ? ' ' : letter;
  }
  return escaped;
}

void write_line(const std::string& line) {
  std::fputs(line.c_str(), stderr);  // work goes on where it cannot be written
}

}  // namespace

std::string json_log_line(std::string_view level, std::string_view event, json members) {
  members["time"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  members["level"] = level;
  members["event"] = event;
  return members.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

double JobLog::Task::elapsed_s() const {
  return std::chrono::duration<double>(Clock::now() - started).count();
}

double JobLog::Task::rate() const {
  const double seconds = elapsed_s();
  return seconds > 0 ? static_cast<double>(done - done_at_start) / seconds : 0;
}

void JobLog::configure(StagedProgress* display, bool lines, bool quiet, std::string metrics_file, std::string command) {
  display_ = display;
  lines_ = lines;
  quiet_ = quiet;
  metrics_file_ = std::move(metrics_file);
  command_ = std::move(command);
}

void JobLog::stage(std::size_t number, std::size_t count, double this_s, double after_s) {
  if (display_ != nullptr) display_->stage(number, count, this_s, after_s);
}

void JobLog::begin(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) {
  if (display_ != nullptr) display_->begin(task, unit, total, done);
  const std::lock_guard lock(mutex_);
  whole_.reset();
  start({std::string(task), std::string(unit), {}, total, done, done, Clock::now()});
  if (!metrics_file_.empty() && !failed_) write_file(metrics_file_, metrics());
}

void JobLog::start(Task task) {
  task_ = std::move(task);
  next_ = Clock::now() + kInterval;
  report("begin");
}

void JobLog::advance(std::uint64_t units) {
  if (display_ != nullptr) display_->advance(units);
  const std::lock_guard lock(mutex_);
  if (!task_) return;
  task_->done += units;
  if (Clock::now() < next_) return;
  next_ = Clock::now() + kInterval;
  report("progress");
  write_metrics();
}

void JobLog::detail(std::string_view text) {
  if (display_ != nullptr) display_->detail(text);
  const std::lock_guard lock(mutex_);
  if (task_) task_->detail = text;
}

void JobLog::finish() {
  if (display_ != nullptr) display_->finish();
  const std::lock_guard lock(mutex_);
  end(std::nullopt);
}

void JobLog::end(std::optional<Task> next) {
  if (!task_) return;
  report("end");
  write_metrics();
  ended_ = std::exchange(task_, std::move(next));
}

void JobLog::begin_part(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) {
  if (display_ != nullptr) display_->begin_part(task, unit, total, done);
  const std::lock_guard lock(mutex_);
  if (!whole_) whole_ = std::move(task_);
  start({std::string(task), std::string(unit), {}, total, done, done, Clock::now()});
}

void JobLog::finish_part() {
  if (display_ != nullptr) display_->finish_part();
  const std::lock_guard lock(mutex_);
  end(std::exchange(whole_, std::nullopt));
}

void JobLog::note(std::string_view text) {
  if (display_ != nullptr) display_->note(text);
  const std::lock_guard lock(mutex_);
  if (lines_ && !quiet_ && noted_.emplace(text).second) write_line(json_log_line("info", "note", {{"message", text}}));
}

void JobLog::skipped(std::string_view text, std::size_t count) {
  const std::lock_guard lock(mutex_);
  skipped_ += count;
  if (lines_) write_line(json_log_line("warning", "skipped", {{"count", count}, {"message", text}}));
}

void JobLog::ended(int exit_code) {
  const std::lock_guard lock(mutex_);
  exit_code_ = exit_code;
  if (lines_ && !quiet_) write_line(json_log_line("info", "exit", {{"exit_code", exit_code}}));
  write_metrics();
}

void JobLog::report(std::string_view event) {
  if (!lines_ || quiet_) return;
  json members = {
      {"task", task_->name}, {"unit", task_->unit}, {"done", task_->done}, {"elapsed_s", task_->elapsed_s()}};
  if (task_->total > 0) members["total"] = task_->total;
  if (!task_->detail.empty()) members["detail"] = task_->detail;
  if (const double rate = task_->rate(); rate > 0) {
    members["rate_per_s"] = rate;
    if (task_->total > task_->done) members["left_s"] = static_cast<double>(task_->total - task_->done) / rate;
  }
  write_line(json_log_line("info", event, std::move(members)));
}

void JobLog::write_metrics() {
  if (metrics_file_.empty() || failed_) return;
  try {
    write_file(metrics_file_, metrics());
  } catch (const Interrupted&) {  // the work stops by itself
  } catch (const Error& error) {
    failed_ = true;
    const std::string text = fmt::format("the file of metrics is no longer written: {}", error.what());
    write_line(lines_ ? json_log_line("warning", "note", {{"message", text}}) : text + "\n");
  }
}

std::string JobLog::metrics() const {
  std::string text;
  const auto add = [&](const char* name, const char* help, const char* type, const std::string& labels, double value) {
    text += fmt::format("# HELP genrewise_{0} {1}\n# TYPE genrewise_{0} {2}\ngenrewise_{0}{{{3}}} {4}\n", name, help,
                        type, labels, value);
  };
  const std::string run = fmt::format("command=\"{}\"", label_value(command_));
  if (const auto& task = task_ ? task_ : ended_) {
    const std::string of_task =
        fmt::format("{},task=\"{}\",unit=\"{}\"", run, label_value(task->name), label_value(task->unit));
    add("task_done", "Units of the task that are done, those of earlier runs included.", "gauge", of_task,
        static_cast<double>(task->done));
    add("task_reused", "Units that were done when the task began.", "gauge", of_task,
        static_cast<double>(task->done_at_start));
    add("task_total", "Units of the task; 0: unknown.", "gauge", of_task, static_cast<double>(task->total));
    add("task_rate", "Units a second since the task began.", "gauge", of_task, task->rate());
    add("task_elapsed_seconds", "Time since the task began.", "gauge", of_task, task->elapsed_s());
  }
  add("skipped", "Inputs that could not be used.", "gauge", run, static_cast<double>(skipped_));
  add("updated_timestamp_seconds", "When this file was written.", "gauge", run,
      static_cast<double>(std::time(nullptr)));
  add("running", "1 until the command ends.", "gauge", run, exit_code_ ? 0 : 1);
  if (exit_code_) add("exit_code", "Of the command.", "gauge", run, *exit_code_);
  return text;
}

}  // namespace genrewise::cli
