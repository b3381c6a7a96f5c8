// Progress reporting: libraries call this interface and never print; the program decides about the display.
#pragma once

#include <cstdint>
#include <string_view>

namespace genrewise {

/// Receives progress and log lines; one task at a time. All functions may be called from any thread. The default
/// implementations do nothing, so a plain `Progress` object is silent.
class Progress {
 public:
  virtual ~Progress() = default;
  /// Starts a task of `total` units (0: unknown), of which `done` are already complete (resumed work).
  virtual void begin(std::string_view /*task*/, std::string_view /*unit*/, std::uint64_t /*total*/,
                     std::uint64_t /*done*/ = 0) {}
  /// Adds completed units to the current task.
  virtual void advance(std::uint64_t /*units*/ = 1) {}
  /// Ends the current task.
  virtual void finish() {}
  /// Reports a line that the user should see although work continues: a skipped file, an automatic choice.
  virtual void note(std::string_view /*text*/) {}
};

}  // namespace genrewise
