#include "genrewise/dsp/loudness.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/dsp/loudness.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

// b / a with a0 = 1, transposed direct form II.
struct Biquad {
  double b0, b1, b2, a1, a2, state0, state1;

  HWY_INLINE double operator()(double x) {
    const double y = b0 * x + state0;
    state0 = b1 * x - a1 * y + state1;
    state1 = b2 * x - a2 * y;
    return y;
  }
};

// The recursion has no use for vectors, but for instructions that multiply and add.
// The sum of squares of the samples after two filters, each given by the seven numbers of a Biquad.
double filtered_squares(const float* samples, std::size_t count, double* first, double* second) {
  Biquad one, other;
  std::memcpy(&one, first, sizeof one);
  std::memcpy(&other, second, sizeof other);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double filtered = other(one(samples[i]));
    sum += filtered * filtered;
  }
  std::memcpy(first, &one, sizeof one);
  std::memcpy(second, &other, sizeof other);
  return sum;
}

float largest_magnitude(const float* samples, std::size_t count) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  auto most = hn::Zero(d);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) most = hn::Max(most, hn::Abs(hn::LoadU(d, samples + i)));
  float result = hn::GetLane(hn::MaxOfLanes(d, most));
  for (; i < count; ++i) result = std::max(result, std::abs(samples[i]));
  return result;
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(filtered_squares);
HWY_EXPORT(largest_magnitude);

namespace {

constexpr int kLowestRateHz = 4000;
constexpr std::size_t kMomentaryTenths = 4, kShortTermTenths = 30;

using Biquad = std::array<double, 7>;  // b0, b1, b2, a1, a2 and the state

// BS.1770 gives the coefficients of its two filters for 48 kHz. These are the underlying analogue filters (frequencies,
// gain and Q from which the bilinear transform gives the coefficients), for any rate.
Biquad head_filter(int sample_rate_hz) {
  const double k = std::tan(std::numbers::pi * 1681.974450955533 / sample_rate_hz), q = 0.7071752369554196;
  const double high = std::pow(10, 3.999843853973347 / 20), band = std::pow(high, 0.4996667741545416);
  const double a0 = 1 + k / q + k * k;
  return {(high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - band * k / q + k * k) / a0,
          2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0};
}

Biquad low_cut_filter(int sample_rate_hz) {
  const double k = std::tan(std::numbers::pi * 38.13547087602444 / sample_rate_hz), q = 0.5003270373238773;
  const double a0 = 1 + k / q + k * k;
  return {1, -2, 1, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0};
}

double lufs(double power) {
  return power > 0 ? std::max(kSilenceLufs, -0.691 + 10 * std::log10(power)) : kSilenceLufs;
}

double power_of(double level_lufs) {
  return std::pow(10, (level_lufs + 0.691) / 10);
}

// Sums of squares of the K-weighted signal over tenths of a second; `counts` samples each.
struct Tenths {
  std::vector<double> sums;
  std::vector<std::size_t> counts;
};

Tenths weighted_tenths(std::span<const float> samples, int sample_rate_hz) {
  Biquad head = head_filter(sample_rate_hz), low_cut = low_cut_filter(sample_rate_hz);
  Tenths tenths;
  for (std::size_t begin = 0; begin < samples.size();) {
    // Rounded boundaries, so rates that are not multiples of 10 do not drift.
    const std::size_t end =
        std::min(samples.size(), (tenths.sums.size() + 1) * static_cast<std::size_t>(sample_rate_hz) / 10);
    tenths.sums.push_back(
        HWY_DYNAMIC_DISPATCH(filtered_squares)(samples.data() + begin, end - begin, head.data(), low_cut.data()));
    tenths.counts.push_back(end - begin);
    begin = end;
  }
  // An incomplete tenth counts only if the signal is shorter than a block.
  if (tenths.sums.size() > kMomentaryTenths && tenths.counts.back() < tenths.counts.front()) {
    tenths.sums.pop_back();
    tenths.counts.pop_back();
  }
  return tenths;
}

// Mean powers of windows of `length` tenths, one starting at each tenth; one window over everything if `length` is
// longer.
std::vector<double> window_powers(const Tenths& tenths, std::size_t length) {
  length = std::min(length, tenths.sums.size());
  std::vector<double> powers;
  for (std::size_t first = 0; length > 0 && first + length <= tenths.sums.size(); ++first) {
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t i = first; i < first + length; ++i) {
      sum += tenths.sums[i];
      count += tenths.counts[i];
    }
    powers.push_back(sum / static_cast<double>(count));
  }
  return powers;
}

double mean(const std::vector<double>& values) {
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

// Drops powers below the absolute gate, then those more than `relative_lu` below the mean of the rest.
std::vector<double> gated(std::vector<double> powers, double relative_lu) {
  std::erase_if(powers, [](double power) { return power <= power_of(kSilenceLufs); });
  const double gate = mean(powers) * std::pow(10, -relative_lu / 10);
  std::erase_if(powers, [gate](double power) { return power < gate; });
  return powers;
}

double loudness_range(const Tenths& tenths) {
  if (tenths.sums.size() < kShortTermTenths) return 0;
  auto powers = gated(window_powers(tenths, kShortTermTenths), 20);
  if (powers.empty()) return 0;
  std::sort(powers.begin(), powers.end());
  const auto percentile = [&](double share) {
    return powers[static_cast<std::size_t>(std::lround(share * static_cast<double>(powers.size() - 1)))];
  };
  return lufs(percentile(0.95)) - lufs(percentile(0.10));
}

}  // namespace

Loudness measure_loudness(std::span<const float> samples, int sample_rate_hz) {
  if (sample_rate_hz < kLowestRateHz)
    throw Error("loudness is not defined at " + std::to_string(sample_rate_hz) + " Hz", "loudness",
                "resample to 4,000 Hz or more");
  const Tenths tenths = weighted_tenths(samples, sample_rate_hz);
  const auto momentary = window_powers(tenths, kMomentaryTenths), short_term = window_powers(tenths, kShortTermTenths);
  const auto loudest = [](const std::vector<double>& powers) {
    return lufs(powers.empty() ? 0 : *std::max_element(powers.begin(), powers.end()));
  };
  const float peak = HWY_DYNAMIC_DISPATCH(largest_magnitude)(samples.data(), samples.size());

  Loudness result;
  result.integrated_lufs = lufs(mean(gated(momentary, 10)));
  result.range_lu = loudness_range(tenths);
  result.max_momentary_lufs = loudest(momentary);
  result.max_short_term_lufs = loudest(short_term);
  result.peak_dbfs = 20 * std::log10(std::max(static_cast<double>(peak), 1e-5));
  return result;
}

}  // namespace genrewise
#endif
