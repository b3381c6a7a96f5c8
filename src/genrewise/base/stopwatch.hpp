// Measures wall-clock time and memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>

namespace genrewise {

/// Measures wall-clock seconds since construction.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Measures the largest resident memory of the process since construction, in bytes (Linux: VmHWM, which the
/// constructor resets, so only the last of several is valid). Where the system does not allow a reset: since the
/// process started.
class PeakMemory {
 public:
  PeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }
  /// 0 if the system does not report it.
  std::uint64_t bytes() const {
    std::ifstream status("/proc/self/status");
    for (std::string name; status >> name;) {
      std::uint64_t kibibytes = 0;
      if (name == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
    }
    return 0;
  }
};

}  // namespace genrewise
