#include "terminal_progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "terminal.hpp"

namespace genrewise::cli {
namespace {

using namespace std::chrono_literals;

// On a terminal a line from the start, redrawn ten times a second; elsewhere lines for long work only.
constexpr auto kRedraw = 100ms, kFirstLine = 2000ms, kNextLine = 10'000ms;

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(seconds + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

/// Ignores errors: work goes on where nobody can read about it.
void write_line(const std::string& text) {
  std::fputs((text + '\n').c_str(), stderr);
}

}  // namespace

TerminalProgress::TerminalProgress() : terminal_(can_redraw(Stream::err)) {}

TerminalProgress::~TerminalProgress() {
  if (line_shown_) std::fputc('\n', stderr);
}

void TerminalProgress::stage(std::size_t number, std::size_t count, double this_s, double after_s) {
  const std::lock_guard lock(mutex_);
  stage_ = {number, count, this_s, after_s, Clock::now()};
}

void TerminalProgress::begin(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) {
  const std::lock_guard lock(mutex_);
  end_task(true);
  whole_.reset();
  start({printable(task), std::string(unit), {}, total, done, done, Clock::now()});
}

void TerminalProgress::start(Task task) {
  task_ = std::move(task);
  const auto now = Clock::now();
  next_show_ = terminal_ ? now : now + kFirstLine;
  running_ = true;
  if (terminal_) show(now, false);
}

void TerminalProgress::advance(std::uint64_t units) {
  const std::lock_guard lock(mutex_);
  task_.done += units;
  if (const auto now = Clock::now(); running_ && now >= next_show_) show(now, false);
}

void TerminalProgress::detail(std::string_view text) {
  const std::lock_guard lock(mutex_);
  task_.detail = printable(text);
}

void TerminalProgress::finish() {
  const std::lock_guard lock(mutex_);
  end_task();
}

void TerminalProgress::begin_part(std::string_view task, std::string_view unit, std::uint64_t total,
                                  std::uint64_t done) {
  const std::lock_guard lock(mutex_);
  if (running_ && !whole_) whole_ = std::move(task_);
  clear_line();
  start({printable(task), std::string(unit), {}, total, done, done, Clock::now()});
}

void TerminalProgress::finish_part() {
  const std::lock_guard lock(mutex_);
  if (Clock::now() - task_.started < kFirstLine) {
    clear_line();  // a short part leaves no line
    running_ = false;
  }
  end_task();
  if (whole_) start(*std::exchange(whole_, std::nullopt));
}

void TerminalProgress::note(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (!noted_.emplace(text).second) return;
  const std::string safe = printable_lines(text);
  const std::string shown = is_terminal(Stream::err) ? wrapped(safe, 0, page_width(Stream::err)) : safe;
  print_line(has_colour(Stream::err) ? dim(shown) : shown);
}

void TerminalProgress::line(std::string_view text) {
  const std::lock_guard lock(mutex_);
  print_line(printable_lines(text));
}

void TerminalProgress::print_line(std::string_view text) {
  clear_line();
  write_line(std::string(text));
  if (terminal_ && running_) show(Clock::now(), false);
}

void TerminalProgress::end_task(bool replaced) {
  if (!running_) return;
  if (replaced && task_.done == task_.done_at_start) {
    clear_line();
    running_ = false;
    return;
  }
  const auto now = Clock::now();
  if (terminal_ || now - task_.started >= kFirstLine) show(now, true);
  if (line_shown_) std::fputc('\n', stderr);
  line_shown_ = running_ = false;
}

void TerminalProgress::clear_line() {
  if (line_shown_) std::fputs("\r\x1b[K", stderr);
  line_shown_ = false;
}

void TerminalProgress::show(Clock::time_point now, bool last) {
  std::string text = state(now, last);
  if (stage_.count > 0)
    text = fmt::format("[{}/{}{}] {}", stage_.number, stage_.count, last ? "" : left_in_all(now), text);
  if (terminal_) {
    // A wrapped line cannot be redrawn.
    while (!text.empty() && display_width(text) >= terminal_width(Stream::err)) {
      do text.pop_back();
      while (!text.empty() && (text.back() & 0xc0) == 0x80);
    }
    clear_line();
    std::fputs(text.c_str(), stderr);
    line_shown_ = true;
    next_show_ = now + kRedraw;
  } else {
    write_line(std::string(text));
    next_show_ = now + kNextLine;
  }
  std::fflush(stderr);
}

std::string TerminalProgress::state(Clock::time_point now, bool last) const {
  const auto& [name, unit, detail, total, done, done_at_start, started] = task_;
  const double elapsed_s = std::chrono::duration<double>(now - started).count();
  const auto fresh = static_cast<double>(done - done_at_start);
  if (total == 1) return last ? fmt::format("{}: took {}", name, duration_text(elapsed_s)) : name;
  const double share = 100 * std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const bool amounts = detail.empty() || total == 0;
  std::string text = name + ": ";
  if (amounts) {
    text += amount(static_cast<double>(done));
    if (total > 0) text += " of " + amount(static_cast<double>(total));
    if (unit != "bytes") text += " " + unit;
    if (total > 0) text += fmt::format(" ({:.0f} %)", share);
  } else {
    text += fmt::format("{:.0f} %", share);
  }
  if (fresh > 0 && elapsed_s > 0.5) {
    const double rate = fresh / elapsed_s;
    if (amounts) text += unit == "bytes" ? fmt::format(", {}/s", amount(rate)) : fmt::format(", {:.3g}/s", rate);
    if (!last && total > done) text += ", " + duration_text(static_cast<double>(total - done) / rate) + " left";
  }
  if (last) text += ", took " + duration_text(elapsed_s);
  return detail.empty() ? text : text + "; " + detail;
}

std::string TerminalProgress::left_in_all(Clock::time_point now) const {
  if (stage_.after_s < 0) return "";
  const double elapsed_s = std::chrono::duration<double>(now - stage_.started).count();
  return ", " + duration_text(std::max(stage_.this_s - elapsed_s, 0.0) + stage_.after_s) + " left";
}

std::string TerminalProgress::amount(double units) const {
  if (task_.unit != "bytes") return fmt::format("{:.0f}", units);
  if (units < 1e6) return fmt::format("{:.0f} KB", units / 1e3);
  if (units < 1e9) return fmt::format("{:.1f} MB", units / 1e6);
  return fmt::format("{:.2f} GB", units / 1e9);
}

}  // namespace genrewise::cli
