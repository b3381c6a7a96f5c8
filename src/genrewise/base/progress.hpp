// Progress reporting: libraries call this interface and never print; the program decides about the display.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace genrewise {

/// Receives progress and log lines; one task at a time. All functions may be called from any thread. The default
/// implementations do nothing, so a plain `Progress` object is silent.
class Progress {
 public:
  virtual ~Progress() = default;
  /// Starts a task of `total` units (0: unknown), of which `done` are already complete (resumed work).
  virtual void begin(std::string_view /*task*/, std::string_view /*unit*/, std::uint64_t /*total*/,
                     std::uint64_t /*done*/ = 0) {}
  virtual void advance(std::uint64_t /*units*/ = 1) {}
  /// State of the current task in words, shown with its numbers until the next call: "epoch 3 of 30, loss 1.83".
  virtual void detail(std::string_view /*text*/) {}
  virtual void finish() {}
  /// Starts a task within the current one, which is shown again after finish_part().
  virtual void begin_part(std::string_view /*task*/, std::string_view /*unit*/, std::uint64_t /*total*/,
                          std::uint64_t /*done*/ = 0) {}
  virtual void finish_part() {}
  /// Reports a line that the user should see although work continues: a skipped file, an automatic choice.
  virtual void note(std::string_view /*text*/) {}
};

/// Progress of one part of a task: its tasks are parts of that task, shown as "NAME: TASK".
class PartProgress final : public Progress {
 public:
  PartProgress(Progress& whole, std::string name) : whole_(whole), name_(std::move(name)) {}
  ~PartProgress() override { finish(); }
  PartProgress(const PartProgress&) = delete;
  PartProgress& operator=(const PartProgress&) = delete;
  void begin(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override {
    finish();
    whole_.begin_part(name_ + ": " + std::string(task), unit, total, done);
    running_ = true;
  }
  void advance(std::uint64_t units) override {
    if (running_) whole_.advance(units);
  }
  void detail(std::string_view text) override {
    if (running_) whole_.detail(text);
  }
  void finish() override {
    if (std::exchange(running_, false)) whole_.finish_part();
  }
  void note(std::string_view text) override { whole_.note(text); }

 private:
  Progress& whole_;
  std::string name_;
  bool running_ = false;
};

/// A display that also shows the stages of long work, where they are reported (Stages in study/stages.hpp).
class StagedProgress : public Progress {
 public:
  /// The tasks until the next call are stage `number` of `count`. Expected seconds of this stage and of those after it;
  /// `after_s` is negative if unknown.
  virtual void stage(std::size_t number, std::size_t count, double this_s, double after_s) = 0;
};

}  // namespace genrewise
