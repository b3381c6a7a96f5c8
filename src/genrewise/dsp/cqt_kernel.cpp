#include "genrewise/dsp/cqt_kernel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "genrewise/base/floats.hpp"
#include "genrewise/dsp/cqt.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/dsp/cqt_kernel.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/highway.h>

// Loops without vector types are vectorised by the compiler, for each target.
HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

constexpr std::size_t kSideTaps = 7, kMost = 512;

// Writes at most kMost outputs; the filter's middle is at in[0] for the first one. side[k] is the tap 2k + 1 from it.
void half_band_block(const float* in, std::size_t count, float middle, const float* side, float* out) {
  // odd[kSideTaps + i] is the sample after in[2 i].
  alignas(64) float odd[kMost + 2 * kSideTaps];
  const float* const from = in - 2 * kSideTaps;
  for (std::size_t i = 0; i < count + 2 * kSideTaps - 1; ++i) odd[i] = from[2 * i + 1];
  for (std::size_t i = 0; i < count; ++i) {
    float sum = middle * in[2 * i];
    HWY_UNROLL(8)
    for (std::size_t k = 0; k < kSideTaps; ++k) sum += side[k] * (odd[i + kSideTaps + k] + odd[i + kSideTaps - 1 - k]);
    out[i] = sum;
  }
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(half_band_block);

namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kSparsity = 0.01;
// Beyond the frame plus this many samples on each side, the combined kernel is below 1e-4 of its largest value.
constexpr std::size_t kOverhangPairs = 6;

std::vector<float> make_halving_filter() {
  constexpr double kCutoff = 0.23921796, kBeta = 13.10642689;
  constexpr int kHalf = 195;
  std::vector<float> taps(kHalf);
  for (int k = 0; k < kHalf; ++k) {
    const double phase = 2 * kPi * kCutoff * k, r = static_cast<double>(k) / kHalf;
    const double sinc = k == 0 ? 1 : std::sin(phase) / phase;
    const double kaiser = std::cyl_bessel_i(0, kBeta * std::sqrt(1 - r * r)) / std::cyl_bessel_i(0, kBeta);
    taps[k] = static_cast<float>(std::numbers::sqrt2 * 2 * kCutoff * sinc * kaiser);
  }
  return taps;
}

// The sum of exp(j angle u) over u = -(count - 1) / 2 ... (count - 1) / 2.
double dirichlet(double angle, double count) {
  const double half = angle / 2, denominator = std::sin(half);
  return std::abs(denominator) < 1e-12 ? count : std::sin(count * half) / denominator;
}

// The spectrum at bins 0 ... size / 2 of a Hann window of `length` (odd) samples on a phasor, without its linear phase.
// The window's first sample is zero, so it is symmetric over the length - 1 others.
std::vector<double> wavelet_spectrum(double radians_per_sample, std::size_t length, std::size_t size) {
  const double step = 2 * kPi / static_cast<double>(length), count = static_cast<double>(length) - 1;
  std::vector<double> spectrum(size / 2 + 1);
  for (std::size_t k = 0; k < spectrum.size(); ++k) {
    const double angle = radians_per_sample - 2 * kPi * static_cast<double>(k) / static_cast<double>(size);
    spectrum[k] =
        0.5 * dirichlet(angle, count) + 0.25 * (dirichlet(angle + step, count) + dirichlet(angle - step, count));
  }
  return spectrum;
}

// librosa.util.sparsify_rows: the smallest values, which together make up less than `kSparsity` of all, become zero.
void sparsify(std::vector<double>& spectrum) {
  std::vector<double> sorted(spectrum.size());
  std::transform(spectrum.begin(), spectrum.end(), sorted.begin(), [](double x) { return std::abs(x); });
  std::sort(sorted.begin(), sorted.end());
  double total = 0, sum = 0;
  for (const double x : sorted) total += x;
  const auto threshold =
      std::find_if(sorted.begin(), sorted.end(), [&](double x) { return (sum += x) >= kSparsity * total; });
  for (double& x : spectrum)
    if (std::abs(x) < *threshold) x = 0;
}

constexpr std::size_t kHalfBandTaps = 7;  // on each side of the middle; the even ones are zero
constexpr std::size_t kBlock = 512;       // outputs of half_band_block()

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

float exact_sample(std::span<const float> in, std::size_t middle) {
  const auto& taps = exact_taps();
  const std::size_t half = taps.size() / 2;
  const std::size_t before = std::min(middle, half), after = std::min(in.size() - 1 - middle, half);
  const std::size_t count = before + 1 + after;
  return dot(in.subspan(middle - before, count), std::span(taps).subspan(half - before, count));
}

}  // namespace

const std::vector<float>& halving_filter() {
  static const std::vector<float> taps = make_halving_filter();
  return taps;
}

std::size_t frame_samples_for(double lowest_hz, double sample_rate_hz, double quality) {
  const double longest = quality * sample_rate_hz / lowest_hz;
  return static_cast<std::size_t>(std::exp2(std::ceil(std::log2(longest))));
}

CqtKernel make_cqt_kernel(double lowest_hz, double sample_rate_hz, std::size_t frame_samples, double quality) {
  std::vector<double> cosine(2 * frame_samples);
  for (std::size_t i = 0; i < cosine.size(); ++i)
    cosine[i] = std::cos(kPi * static_cast<double>(i) / static_cast<double>(frame_samples));

  CqtKernel kernel;
  kernel.even.resize(frame_samples / 2 * kBinsPerOctave);
  kernel.odd.resize(kernel.even.size());
  for (std::size_t bin = 0; bin < kBinsPerOctave; ++bin) {
    const double frequency_hz = lowest_hz * std::exp2(static_cast<double>(bin) / kBinsPerOctave);
    const double length = quality * sample_rate_hz / frequency_hz;
    const double samples = std::floor(length / 2) - std::floor(-length / 2);
    auto spectrum =
        wavelet_spectrum(2 * kPi * frequency_hz / sample_rate_hz, static_cast<std::size_t>(samples), frame_samples);
    sparsify(spectrum);
    // A Hann window of n samples sums to n / 2; dividing by sqrt(length) is librosa's scale=True.
    const double gain = std::sqrt(length) / (static_cast<double>(frame_samples) * samples / 2);
    const auto begin = static_cast<std::size_t>(
        std::find_if(spectrum.begin(), spectrum.end(), [](double x) { return x != 0; }) - spectrum.begin());
    while (spectrum.back() == 0) spectrum.pop_back();
    const std::size_t mask = cosine.size() - 1, three_quarters = 3 * frame_samples / 2;
    for (std::size_t i = 0; i < kernel.pairs(); ++i) {
      double even = 0, odd = 0;
      for (std::size_t k = begin; k < spectrum.size(); ++k) {
        const std::size_t turn = k * (2 * i + 1);
        even += spectrum[k] * cosine[turn & mask];
        odd += spectrum[k] * cosine[(turn + three_quarters) & mask];  // sine
      }
      kernel.even_row(i)[bin] = static_cast<float>(gain * even);
      kernel.odd_row(i)[bin] = static_cast<float>(gain * odd);
    }
  }
  return kernel;
}

CqtKernel at_double_rate(const CqtKernel& kernel) {
  const std::vector<float>& taps = halving_filter();
  CqtKernel result;
  result.left = 1;
  result.even.resize((2 * kernel.pairs() + kOverhangPairs) * kBinsPerOctave);
  result.odd.resize(result.even.size());
  for (std::size_t i = 0; i < result.pairs(); ++i) {
    std::array<float, kBinsPerOctave> even{}, odd{};
    for (std::size_t n = 0; n < kernel.pairs(); ++n) {
      // The two samples of pair n are at 2n + 2 and -2n at the double rate; i denotes sample i + 1.
      const std::size_t near = i > 2 * n + 1 ? i - 2 * n - 1 : 2 * n + 1 - i, far = i + 2 * n + 1;
      const float right = near < taps.size() ? taps[near] : 0, left = far < taps.size() ? taps[far] : 0;
      const float sum = right + left, difference = right - left;
      for (std::size_t bin = 0; bin < kBinsPerOctave; ++bin) {
        even[bin] += sum * kernel.even[n * kBinsPerOctave + bin];
        odd[bin] += difference * kernel.odd[n * kBinsPerOctave + bin];
      }
    }
    std::copy(even.begin(), even.end(), result.even_row(i));
    std::copy(odd.begin(), odd.end(), result.odd_row(i));
  }
  // Pair 0 is the middle sample twice.
  for (std::size_t bin = 0; bin < kBinsPerOctave; ++bin) result.even_row(0)[bin] /= 2;
  return result;
}

void halve_rate(std::span<const float> in, std::size_t exact_samples, std::span<float> out) {
  const std::size_t count = out.size(), fade = exact_samples / 2;
  const std::size_t inner_first = std::min(count, std::max(exact_samples, kHalfBandTaps));
  const std::size_t inner_last = std::max(inner_first, count - inner_first);
  const HalfBand& filter = half_band();
  const auto write_block = HWY_DYNAMIC_DISPATCH(half_band_block);
  for (std::size_t i = inner_first; i < inner_last; i += kBlock)
    write_block(in.data() + 2 * i, std::min(kBlock, inner_last - i), filter.middle, filter.side.data(), &out[i]);
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
#endif
