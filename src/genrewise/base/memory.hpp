// Memory of this process.
#pragma once

#include <cstdint>

namespace genrewise {

/// Measures the largest resident memory of the process since construction, in bytes (Linux: VmHWM, which the
/// constructor resets, so only the last of several is valid). Where the system does not allow a reset: since the
/// process started.
class PeakMemory {
 public:
  PeakMemory();
  /// 0 if the system does not report it.
  std::uint64_t bytes() const;
};

}  // namespace genrewise
