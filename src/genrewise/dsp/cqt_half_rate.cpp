
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "genrewise/dsp/cqt_kernel.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kHalfBandTaps = 7;  // on each side of the middle; the even ones are zero
constexpr std::size_t kBlock = 512;

// sinc(n / 2) / 2 under a Kaiser window (beta 10), scaled to sum to sqrt(2); [k] is the tap 2k + 1 from the middle.
struct HalfBand {
  float middle;
  std::array<float, kHalfBandTaps> side;
};

const HalfBand& half_band() {
  static const HalfBand filter = [] {
    std::array<double, kHalfBandTaps> side;
    double sum = 0.5;
    for (std::size_t k = 0; k < kHalfBandTaps; ++k) {
      const double n = 2.0 * static_cast<double>(k) + 1, r = n / (2 * kHalfBandTaps - 1);
      const double phase = std::numbers::pi * n / 2;
      side[k] =
          std::sin(phase) / (2 * phase) * std::cyl_bessel_i(0, 10 * std::sqrt(1 - r * r)) / std::cyl_bessel_i(0, 10.0);
      sum += 2 * side[k];
    }
    HalfBand result{static_cast<float>(0.5 * std::numbers::sqrt2 / sum), {}};
    for (std::size_t k = 0; k < kHalfBandTaps; ++k)
      result.side[k] = static_cast<float>(side[k] * std::numbers::sqrt2 / sum);
    return result;
  }();
  return filter;
}

// Both halves of halving_filter().
const std::vector<float>& exact_taps() {
  static const std::vector<float> taps = [] {
    const auto& half = halving_filter();
    std::vector<float> both(half.rbegin(), half.rend() - 1);
    both.insert(both.end(), half.begin(), half.end());
    return both;
  }();
  return taps;
}

float dot(const float* a, const float* b, std::size_t count) {
  std::array<float, 16> partial{};
  std::size_t i = 0;
  for (; i + partial.size() <= count; i += partial.size())
    for (std::size_t l = 0; l < partial.size(); ++l) partial[l] += a[i + l] * b[i + l];
  float sum = 0;
  for (; i < count; ++i) sum += a[i] * b[i];
  return std::accumulate(partial.begin(), partial.end(), sum);
}

float exact_sample(std::span<const float> in, std::size_t middle) {
  const auto& taps = exact_taps();
  const std::size_t half = taps.size() / 2;
  const std::size_t before = std::min(middle, half), after = std::min(in.size() - 1 - middle, half);
  return dot(in.data() + (middle - before), taps.data() + (half - before), before + 1 + after);
}

// Computes outputs [first, last), at most kBlock, whose filters are inside `in`.
void half_band_block(const float* in, std::size_t first, std::size_t last, float* out) {
  const HalfBand filter = half_band();
  // odd[kHalfBandTaps + i] is the sample after in[2 (first + i)].
  alignas(64) std::array<float, kBlock + 2 * kHalfBandTaps> odd;
  const float* from = in + 2 * (first - kHalfBandTaps);
  const std::size_t count = last - first;
  for (std::size_t i = 0; i < count + 2 * kHalfBandTaps - 1; ++i) odd[i] = from[2 * i + 1];
  for (std::size_t i = 0; i < count; ++i) {
    float sum = filter.middle * in[2 * (first + i)];
#pragma GCC unroll 8
    for (std::size_t k = 0; k < kHalfBandTaps; ++k)
      sum += filter.side[k] * (odd[i + kHalfBandTaps + k] + odd[i + kHalfBandTaps - 1 - k]);
    out[first + i] = sum;
  }
}

}  // namespace

void halve_rate(std::span<const float> in, std::size_t exact_samples, std::span<float> out) {
  const std::size_t count = out.size(), fade = exact_samples / 2;
  const std::size_t inner_first = std::min(count, std::max(exact_samples, kHalfBandTaps));
  const std::size_t inner_last = std::max(inner_first, count - inner_first);
  for (std::size_t i = inner_first; i < inner_last; i += kBlock)
    half_band_block(in.data(), i, std::min(i + kBlock, inner_last), out.data());
  for (std::size_t i = 0; i < inner_first; ++i) out[i] = exact_sample(in, 2 * i);
  for (std::size_t i = inner_last; i < count; ++i) out[i] = exact_sample(in, 2 * i);
  // A sudden change from one filter to the other would be a click in every lower octave.
  if (inner_last - inner_first < 2 * fade) {
    for (std::size_t i = inner_first; i < inner_last; ++i) out[i] = exact_sample(in, 2 * i);
    return;
  }
  for (std::size_t k = 0; k < fade; ++k) {
    const double turn = std::numbers::pi * (static_cast<double>(k) + 0.5) / static_cast<double>(fade);
    const auto share = static_cast<float>(0.5 + 0.5 * std::cos(turn));
    for (const std::size_t i : {inner_first + k, inner_last - 1 - k})
      out[i] += share * (exact_sample(in, 2 * i) - out[i]);
  }
}

}  // namespace genrewise
