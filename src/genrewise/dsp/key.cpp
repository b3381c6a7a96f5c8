#include "genrewise/dsp/key.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>

namespace genrewise {
namespace {

constexpr std::size_t kClasses = 12;
using Profile = std::array<double, kClasses>;

constexpr Profile kMajor{6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88};
constexpr Profile kMinor{6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17};

// Mean 0, length 1; all zeros for a flat profile.
Profile standardised(Profile values) {
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / kClasses;
  for (double& value : values) squares += (value - mean) * (value - mean);
  const double length = std::sqrt(squares);
  for (double& value : values) value = length > 1e-6 * std::abs(mean) ? (value - mean) / length : 0;
  return values;
}

float correlation(const Profile& chroma, const Profile& profile, std::size_t tonic) {
  double sum = 0;
  for (std::size_t i = 0; i < kClasses; ++i) sum += chroma[(tonic + i) % kClasses] * profile[i];
  return static_cast<float>(sum);
}

}  // namespace

KeyEstimate estimate_key(std::span<const float, 12> chroma) {
  static const Profile major = standardised(kMajor), minor = standardised(kMinor);
  Profile values;
  std::copy(chroma.begin(), chroma.end(), values.begin());
  values = standardised(values);
  std::array<float, 2 * kClasses> fit;
  for (std::size_t tonic = 0; tonic < kClasses; ++tonic) {
    fit[tonic] = correlation(values, major, tonic);
    fit[kClasses + tonic] = correlation(values, minor, tonic);
  }
  const auto best = std::max_element(fit.begin(), fit.end());
  const auto index = static_cast<std::size_t>(best - fit.begin());
  KeyEstimate key;
  key.tonic = static_cast<int>(index % kClasses);
  key.minor = index >= kClasses;
  key.strength = *best;
  key.mode =
      *std::max_element(fit.begin(), fit.begin() + kClasses) - *std::max_element(fit.begin() + kClasses, fit.end());
  std::nth_element(fit.begin(), fit.begin() + 1, fit.end(), std::greater<>());
  key.margin = key.strength - fit[1];
  return key;
}

}  // namespace genrewise
