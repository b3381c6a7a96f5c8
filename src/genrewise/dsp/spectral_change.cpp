#include "genrewise/dsp/spectral_change.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "genrewise/dsp/lanes.hpp"

namespace genrewise {
namespace {

float inverse_sum_of_magnitudes(std::span<const float> power) {
  std::array<float, 16> partial{};
  std::size_t i = 0;
  for (; i + partial.size() <= power.size(); i += partial.size())
    for (std::size_t l = 0; l < partial.size(); ++l) partial[l] += std::sqrt(power[i + l]);
  float sum = 0;
  for (; i < power.size(); ++i) sum += std::sqrt(power[i]);
  for (const float value : partial) sum += value;
  return sum > 0 ? 1 / sum : 0;
}

}  // namespace

float spectral_flatness(std::span<const float> power) {
  constexpr float kSmallest = 1e-10F;
  Lanes logs{}, sums{};
  std::size_t i = 0;
  for (; i + kLanes <= power.size(); i += kLanes) {
    const Lanes value = max_lanes(load_lanes(power.data() + i), all_lanes(kSmallest));
    logs += log10_lanes(value);
    sums += value;
  }
  double log_sum = sum_of_lanes(logs), sum = sum_of_lanes(sums);
  for (; i < power.size(); ++i) {
    const float value = std::max(power[i], kSmallest);
    log_sum += std::log10(value);
    sum += value;
  }
  const auto count = static_cast<double>(power.size());
  return static_cast<float>(std::pow(10, log_sum / count) / (sum / count));
}

float spectral_flux(std::span<const float> previous, std::span<const float> power) {
  const float before = inverse_sum_of_magnitudes(previous), now = inverse_sum_of_magnitudes(power);
  std::array<float, 16> partial{};
  std::size_t i = 0;
  const auto square = [&](std::size_t k) {
    const float difference = now * std::sqrt(power[k]) - before * std::sqrt(previous[k]);
    return difference * difference;
  };
  for (; i + partial.size() <= power.size(); i += partial.size())
    for (std::size_t l = 0; l < partial.size(); ++l) partial[l] += square(i + l);
  float sum = 0;
  for (; i < power.size(); ++i) sum += square(i);
  for (const float value : partial) sum += value;
  return sum;
}

}  // namespace genrewise
