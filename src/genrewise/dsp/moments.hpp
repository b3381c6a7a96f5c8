// Seven statistics of a series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace genrewise {

/// Like the functions of NumPy and scipy.stats with these names and default arguments: std and moments of the
/// population (ddof 0, biased), Fisher's kurtosis (0 for a normal distribution).
struct Moments {
  float mean = 0, std = 0, skew = 0, kurtosis = 0, median = 0, min = 0, max = 0;
};

/// Computes the statistics with sums in double precision. A constant series (standard deviation below 1e-6 of the mean,
/// SciPy's test for float32) has skew 0 and kurtosis -3, as in FMA's published table; SciPy since 1.9 gives NaN. The
/// series must be finite and not empty. `scratch` holds no state between calls.
Moments moments(std::span<const float> series, std::vector<std::int32_t>& scratch);

}  // namespace genrewise
