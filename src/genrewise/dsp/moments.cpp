#include "genrewise/dsp/moments.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace genrewise {
namespace {

// Maps float bits to integers of the same order; the map is its own inverse.
std::int32_t ordered(std::int32_t bits) {
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

// The smallest key that has more than `rank` keys at or below it. Bisecting the range of keys reads the series up to 32
// times, but without data-dependent branches: faster than a partial sort of a few thousand values.
std::int32_t key_of_rank(std::span<const std::int32_t> keys, std::size_t rank, std::int64_t low, std::int64_t high) {
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    const auto limit = static_cast<std::int32_t>(middle);
    std::uint32_t at_or_below = 0;
    for (const std::int32_t key : keys) at_or_below += key <= limit;
    if (at_or_below > rank) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return static_cast<std::int32_t>(low);
}

float median(std::span<const float> series, std::vector<std::int32_t>& keys) {
  keys.resize(series.size());
  std::int32_t least = std::numeric_limits<std::int32_t>::max(), most = std::numeric_limits<std::int32_t>::min();
  for (std::size_t i = 0; i < series.size(); ++i) {
    keys[i] = ordered(std::bit_cast<std::int32_t>(series[i]));
    least = std::min(least, keys[i]);
    most = std::max(most, keys[i]);
  }
  const std::size_t upper_rank = series.size() / 2;
  const std::int32_t upper = key_of_rank(keys, upper_rank, least, most);
  const float upper_value = std::bit_cast<float>(ordered(upper));
  if (series.size() % 2 == 1) return upper_value;
  // Its predecessor in sorted order: the largest value below it, unless it occurs more than once.
  std::uint32_t below = 0;
  std::int32_t largest_below = least;
  for (const std::int32_t key : keys) {
    below += key < upper;
    largest_below = std::max(largest_below, key < upper ? key : least);
  }
  if (below < upper_rank) return upper_value;
  return (upper_value + std::bit_cast<float>(ordered(largest_below))) / 2;
}

}  // namespace

Moments moments(std::span<const float> series, std::vector<std::int32_t>& scratch) {
  const double n = static_cast<double>(series.size());
  float least = series[0], most = series[0];
  double sum = 0;
  for (const float value : series) {
    sum += value;
    least = std::min(least, value);
    most = std::max(most, value);
  }
  const double mean = sum / n;
  double second = 0, third = 0, fourth = 0;
  for (const float value : series) {
    const double off = value - mean, square = off * off;
    second += square;
    third += square * off;
    fourth += square * square;
  }
  second /= n;
  third /= n;
  fourth /= n;
  Moments result{.mean = static_cast<float>(mean),
                 .std = static_cast<float>(std::sqrt(second)),
                 .skew = 0,
                 .kurtosis = -3,
                 .median = median(series, scratch),
                 .min = least,
                 .max = most};
  constexpr double kFloatResolution = 1e-6;
  if (second > std::pow(kFloatResolution * mean, 2)) {
    result.skew = static_cast<float>(third / std::pow(second, 1.5));
    result.kurtosis = static_cast<float>(fourth / (second * second) - 3);
  }
  return result;
}

}  // namespace genrewise
