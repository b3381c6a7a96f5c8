// How long work tells of itself: libraries report here and never print; the program decides how it looks.
#pragma once

#include <cstdint>
#include <string_view>

namespace genrewise {

/// Receives reports from one piece of long work at a time. All calls are safe from any thread. The default does
/// nothing, so `Progress quiet;` is the silent one.
class Progress {
 public:
  virtual ~Progress() = default;
  /// Starts a task of `total` units (0: not known); `done` of them were already there (resumed work).
  virtual void begin(std::string_view /*task*/, std::string_view /*unit*/, std::uint64_t /*total*/,
                     std::uint64_t /*done*/ = 0) {}
  virtual void advance(std::uint64_t /*units*/ = 1) {}
  virtual void finish() {}
  /// A line that the person should see even when all goes on: a skipped file, a choice made for them.
  virtual void note(std::string_view /*text*/) {}
};

}  // namespace genrewise
