// Seven statistics of a series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace genrewise {

/// As numpy's and scipy.stats' functions of the same names with their defaults: std and the moments are the
/// population's (ddof 0, biased), kurtosis is Fisher's (0 for a normal distribution).
struct Moments {
  float mean = 0, std = 0, skew = 0, kurtosis = 0, median = 0, min = 0, max = 0;
};

/// Sums are double. A series that does not vary (standard deviation below 1e-6 of the mean, scipy's test for float32)
/// has skew 0 and kurtosis -3, where SciPy since 1.9 gives NaN; the same figures stand in FMA's published table. The
/// series is finite and has at least one value. Scratch: no meaning between calls.
Moments moments(std::span<const float> series, std::vector<std::int32_t>& scratch);

}  // namespace genrewise
