#include "genrewise/dsp/frame_series.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "genrewise/dsp/lanes.hpp"

namespace genrewise {
namespace {

bool negative(float sample) {
  return sample < -1e-10f;
}

// The sign changes between neighbours among samples [first, end).
std::size_t crossings(std::span<const float> samples, std::size_t first, std::size_t end) {
  unsigned count = 0;
  for (std::size_t i = first + 1; i < end; ++i) count += negative(samples[i - 1]) != negative(samples[i]);
  return count;
}

// The sum of value(i) for i below `count`, in sixteen partial sums, which can be vectorised.
template <class Value>
float sum_of(std::size_t count, const Value& value) {
  std::array<float, 16> partial{};
  std::size_t i = 0;
  for (; i + partial.size() <= count; i += partial.size())
    for (std::size_t l = 0; l < partial.size(); ++l) partial[l] += value(i + l);
  float sum = 0;
  for (; i < count; ++i) sum += value(i);
  for (const float part : partial) sum += part;
  return sum;
}

float inverse_sum_of_magnitudes(std::span<const float> power) {
  const float sum = sum_of(power.size(), [&](std::size_t i) { return std::sqrt(power[i]); });
  return sum > 0 ? 1 / sum : 0;
}

}  // namespace

void zero_crossing_rate(std::span<const float> samples, std::size_t frame_samples, std::size_t hop_samples,
                        std::span<float> rates) {
  const std::size_t half = frame_samples / 2;
  std::size_t count = 0, first = 0, end = 0;  // the frame [first, end) within the signal
  for (std::size_t i = 0; i < rates.size(); ++i) {
    const std::size_t centre = i * hop_samples;
    const std::size_t next_first = centre > half ? centre - half : 0;
    const std::size_t next_end = std::min(centre + half, samples.size());
    // Advances the frame: adds the crossings that enter and subtracts those that leave, including the boundaries to the
    // remaining samples.
    count += crossings(samples, end == 0 ? 0 : end - 1, next_end);
    count -= crossings(samples, first, next_first + 1);
    first = next_first;
    end = next_end;
    rates[i] = static_cast<float>(static_cast<double>(count) / static_cast<double>(frame_samples));
  }
}

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

void onset_strength(const float* mel_db, std::size_t bands, std::size_t stride, float floor_db,
                    std::span<float> envelope) {
  constexpr std::size_t kDelay = 2, kFirst = kDelay + 1;
  std::fill(envelope.begin(), envelope.end(), 0.0F);
  if (envelope.size() <= kFirst) return;
  for (std::size_t band = 0; band < bands; ++band) {
    const float* level = mel_db + band * stride;
    for (std::size_t t = kFirst; t < envelope.size(); ++t) {
      const float now = std::max(level[t - kDelay], floor_db), before = std::max(level[t - kDelay - 1], floor_db);
      envelope[t] += std::max(now - before, 0.0F);
    }
  }
  for (float& value : envelope) value /= static_cast<float>(bands);
}

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
  return sum_of(power.size(), [&](std::size_t i) {
    const float difference = now * std::sqrt(power[i]) - before * std::sqrt(previous[i]);
    return difference * difference;
  });
}

}  // namespace genrewise
