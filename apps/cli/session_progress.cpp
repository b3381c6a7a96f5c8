#include "session_progress.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/files.hpp"
#include "terminal.hpp"

namespace genrewise::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// On a terminal a line from the start, redrawn ten times a second; elsewhere lines for long work only.
constexpr auto kRedraw = 100ms, kFirstLine = 2000ms, kNextLine = 10'000ms;

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(seconds + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

std::string amount(double units, std::string_view unit) {
  if (unit != "bytes") return fmt::format("{:.0f}", units);
  if (units < 1e6) return fmt::format("{:.0f} KB", units / 1e3);
  if (units < 1e9) return fmt::format("{:.1f} MB", units / 1e6);
  return fmt::format("{:.2f} GB", units / 1e9);
}

/// A value of a label in Prometheus' text format.
std::string label_value(std::string_view text) {
  std::string escaped;
  for (const char letter : text) {
    if (letter == '\\' || letter == '"') escaped += '\\';
    escaped += letter == '\n' ? ' ' : letter;
  }
  return escaped;
}

/// Ignores errors: work goes on where nobody can read about it.
void write(const std::string& text) {
  std::fputs(text.c_str(), stderr);
}

}  // namespace

std::string json_log_line(std::string_view level, std::string_view event, json members) {
  members["time"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  members["level"] = level;
  members["event"] = event;
  return members.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

double SessionProgress::Task::rate() const {
  const double seconds = elapsed_s();
  return seconds > 0 ? static_cast<double>(done - done_at_start) / seconds : 0;
}

SessionProgress::SessionProgress() : terminal_(can_redraw(Stream::err)) {}

SessionProgress::~SessionProgress() {
  if (line_shown_) write("\n");
}

void SessionProgress::configure(LogFormat format, bool quiet, std::string metrics_file, std::string command) {
  json_ = format == LogFormat::json;
  quiet_ = quiet;
  metrics_file_ = std::move(metrics_file);
  command_ = std::move(command);
}

void SessionProgress::stage(std::size_t number, std::size_t count, double this_s, double after_s) {
  const std::lock_guard lock(mutex_);
  stage_ = {number, count, this_s, after_s, Clock::now()};
}

void SessionProgress::begin(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) {
  const std::lock_guard lock(mutex_);
  if (task_) end(task_->done == task_->done_at_start);
  whole_.reset();
  start({std::string(task), std::string(unit), {}, total, done, done, Clock::now()});
  if (!metrics_file_.empty() && !failed_) write_file(metrics_file_, metrics());
}

void SessionProgress::start(Task task) {
  task_ = std::move(task);
  next_report_ = Clock::now() + kNextLine;
  report("begin");
  show_task();
}

/// Ends what is shown of the task.
void SessionProgress::end(bool without_line) {
  if (without_line) {
    clear_line();
  } else if (terminal_ || Clock::now() - task_->started >= kFirstLine) {
    show(true);
  }
  if (line_shown_) write("\n");
  line_shown_ = false;
}

void SessionProgress::advance(std::uint64_t units) {
  const std::lock_guard lock(mutex_);
  if (!task_) return;
  task_->done += units;
  const auto now = Clock::now();
  if (now >= next_show_) show(false);
  if (now < next_report_) return;
  next_report_ = now + kNextLine;
  report("progress");
  write_metrics();
}

void SessionProgress::detail(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (task_) task_->detail = text;
}

void SessionProgress::finish() {
  const std::lock_guard lock(mutex_);
  if (!task_) return;
  end(false);
  report("end");
  write_metrics();
  ended_ = std::exchange(task_, std::nullopt);
}

void SessionProgress::begin_part(std::string_view task, std::string_view unit, std::uint64_t total,
                                 std::uint64_t done) {
  const std::lock_guard lock(mutex_);
  if (!whole_) whole_ = std::move(task_);
  clear_line();
  start({std::string(task), std::string(unit), {}, total, done, done, Clock::now()});
}

void SessionProgress::finish_part() {
  const std::lock_guard lock(mutex_);
  if (!task_) return;
  end(Clock::now() - task_->started < kFirstLine);  // a short part leaves no line
  report("end");
  write_metrics();
  ended_ = std::exchange(task_, std::exchange(whole_, std::nullopt));
  if (task_) show_task();
}

void SessionProgress::note(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (quiet_ || !noted_.emplace(text).second) return;
  if (json_) return write(json_log_line("info", "note", {{"message", text}}));
  const std::string safe = printable_lines(text);
  const std::string shown = is_terminal(Stream::err) ? wrapped(safe, 0, page_width(Stream::err)) : safe;
  print_line(has_colour(Stream::err) ? dim(shown) : shown);
}

void SessionProgress::line(std::string_view text) {
  if (json_) return note(text);
  const std::lock_guard lock(mutex_);
  if (!quiet_) print_line(printable_lines(text));
}

void SessionProgress::skipped(std::string_view text, std::size_t count) {
  const std::lock_guard lock(mutex_);
  skipped_ += count;
  if (json_) return write(json_log_line("warning", "skipped", {{"count", count}, {"message", text}}));
  print_line(printable_lines(text));
}

void SessionProgress::ended(int exit_code) {
  const std::lock_guard lock(mutex_);
  exit_code_ = exit_code;
  if (json_ && !quiet_) write(json_log_line("info", "exit", {{"exit_code", exit_code}}));
  write_metrics();
}

void SessionProgress::print_line(std::string_view text) {
  clear_line();
  write(std::string(text) + '\n');
  if (terminal_ && task_) show(false);
}

void SessionProgress::clear_line() {
  if (line_shown_) write("\r\x1b[K");
  line_shown_ = false;
}

void SessionProgress::show_task() {
  const auto now = Clock::now();
  next_show_ = terminal_ ? now : now + kFirstLine;
  if (terminal_) show(false);
}

void SessionProgress::show(bool last) {
  if (!is_shown()) return;
  std::string text = state(last);
  if (stage_.count > 0)
    text = fmt::format("[{}/{}{}] {}", stage_.number, stage_.count, last ? "" : left_in_all(), text);
  if (terminal_) {
    // A wrapped line cannot be redrawn.
    while (!text.empty() && display_width(text) >= terminal_width(Stream::err)) {
      do text.pop_back();
      while (!text.empty() && (text.back() & 0xc0) == 0x80);
    }
    clear_line();
    line_shown_ = true;
  } else {
    text += '\n';
  }
  write(text);
  next_show_ = Clock::now() + (terminal_ ? Clock::duration(kRedraw) : Clock::duration(kNextLine));
  std::fflush(stderr);
}

std::string SessionProgress::state(bool last) const {
  const Task& task = *task_;
  const std::string name = printable(task.name), detail = printable(task.detail);
  const double elapsed_s = task.elapsed_s(), done = static_cast<double>(task.done), rate = task.rate();
  if (task.total == 1) return last ? fmt::format("{}: took {}", name, duration_text(elapsed_s)) : name;
  const auto total = static_cast<double>(task.total);
  const double share = 100 * std::min(1.0, done / total);
  const bool amounts = detail.empty() || task.total == 0;
  std::string text = name + ": ";
  if (amounts) {
    text += amount(done, task.unit);
    if (task.total > 0) text += " of " + amount(total, task.unit);
    if (task.unit != "bytes") text += " " + task.unit;
    if (task.total > 0) text += fmt::format(" ({:.0f} %)", share);
  } else {
    text += fmt::format("{:.0f} %", share);
  }
  if (rate > 0 && elapsed_s > 0.5) {
    if (amounts)
      text += task.unit == "bytes" ? fmt::format(", {}/s", amount(rate, task.unit)) : fmt::format(", {:.3g}/s", rate);
    if (!last && total > done) text += ", " + duration_text((total - done) / rate) + " left";
  }
  if (last) text += ", took " + duration_text(elapsed_s);
  return detail.empty() ? text : text + "; " + detail;
}

std::string SessionProgress::left_in_all() const {
  if (stage_.after_s < 0) return "";
  const double elapsed_s = std::chrono::duration<double>(Clock::now() - stage_.started).count();
  return ", " + duration_text(std::max(stage_.this_s - elapsed_s, 0.0) + stage_.after_s) + " left";
}

void SessionProgress::report(std::string_view event) const {
  if (!json_ || quiet_) return;
  json members = {
      {"task", task_->name}, {"unit", task_->unit}, {"done", task_->done}, {"elapsed_s", task_->elapsed_s()}};
  if (task_->total > 0) members["total"] = task_->total;
  if (!task_->detail.empty()) members["detail"] = task_->detail;
  if (const double rate = task_->rate(); rate > 0) {
    members["rate_per_s"] = rate;
    if (task_->total > task_->done) members["left_s"] = static_cast<double>(task_->total - task_->done) / rate;
  }
  write(json_log_line("info", event, std::move(members)));
}

void SessionProgress::write_metrics() {
  if (metrics_file_.empty() || failed_) return;
  try {
    write_file(metrics_file_, metrics());
  } catch (const Interrupted&) {  // the work stops by itself
  } catch (const Error& error) {
    failed_ = true;
    const std::string text = fmt::format("the file of metrics is no longer written: {}", error.what());
    write(json_ ? json_log_line("warning", "note", {{"message", text}}) : text + "\n");
  }
}

std::string SessionProgress::metrics() const {
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
