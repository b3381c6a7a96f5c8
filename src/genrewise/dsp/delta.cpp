#include "genrewise/dsp/delta.hpp"

#include <algorithm>
#include <cstddef>

namespace genrewise {

void delta(std::span<const float> series, std::span<float> slope) {
  constexpr std::size_t kReach = 4;
  constexpr float kSumOfSquares = 60;  // of -4 ... 4
  std::fill(slope.begin(), slope.end(), 0.0F);
  if (series.size() <= 2 * kReach) return;
  const std::size_t last = series.size() - kReach;
  for (std::size_t t = kReach; t < last; ++t) {
    float sum = 0;
    for (std::size_t k = 1; k <= kReach; ++k) sum += static_cast<float>(k) * (series[t + k] - series[t - k]);
    slope[t] = sum / kSumOfSquares;
  }
  std::fill_n(slope.begin(), kReach, slope[kReach]);
  std::fill(slope.end() - kReach, slope.end(), slope[last - 1]);
}

}  // namespace genrewise
