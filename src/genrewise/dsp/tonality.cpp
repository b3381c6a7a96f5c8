#include "genrewise/dsp/tonality.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/tile.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/dsp/tonality.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, kTileFrames>;

// The positions among `count` of values that exceed the threshold and their left neighbour and are not below their
// right one; s[-1] and s[count] can be read. Returns their number.
std::size_t find_peaks(const float* s, std::size_t count, float threshold, std::uint32_t* peaks) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const auto limit = hn::Set(d, threshold);
  std::size_t found = 0, i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto here = hn::LoadU(d, s + i), above = hn::Max(limit, hn::LoadU(d, s + i - 1));
    const auto is_peak = hn::And(hn::Gt(here, above), hn::Ge(here, hn::LoadU(d, s + i + 1)));
    if (hn::AllFalse(d, is_peak)) continue;  // few bins are peaks
    std::uint8_t bits[8] = {};
    hn::StoreMaskBits(d, is_peak, bits);
    for (unsigned flags = bits[0] | bits[1] << 8; flags != 0; flags &= flags - 1)
      peaks[found++] = static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(std::countr_zero(flags));
  }
  for (; i < count; ++i)
    if (s[i] > threshold && s[i] > s[static_cast<std::ptrdiff_t>(i) - 1] && s[i] >= s[i + 1])
      peaks[found++] = static_cast<std::uint32_t>(i);
  return found;
}

// Half of the classes of kFrames frames at a time: their sums fill the registers, and each weight is read once.
template <std::size_t kFrames>
void chroma_of_frames(const float* weights, std::size_t bins, const float* power, std::size_t power_stride, float* out,
                      std::size_t out_stride) {
  constexpr std::size_t kHalf = kPitchClasses / 2;
  const Floats d;
  for (std::size_t first = 0; first < kPitchClasses; first += kHalf) {
    const float* const half = weights + first * bins;
    hn::Vec<Floats> sums[kHalf][kFrames];
    HWY_UNROLL(6)
    for (std::size_t c = 0; c < kHalf; ++c) {
      HWY_UNROLL(4)
      for (std::size_t i = 0; i < kFrames; ++i) sums[c][i] = hn::Zero(d);
    }
    for (std::size_t k = 0; k < bins; k += hn::Lanes(d)) {
      hn::Vec<Floats> values[kFrames];
      HWY_UNROLL(4)
      for (std::size_t i = 0; i < kFrames; ++i) values[i] = hn::Load(d, power + i * power_stride + k);
      HWY_UNROLL(6)
      for (std::size_t c = 0; c < kHalf; ++c) {
        const auto weight = hn::Load(d, half + c * bins + k);
        HWY_UNROLL(4)
        for (std::size_t i = 0; i < kFrames; ++i) sums[c][i] = hn::MulAdd(weight, values[i], sums[c][i]);
      }
    }
    for (std::size_t c = 0; c < kHalf; ++c)
      for (std::size_t i = 0; i < kFrames; ++i)
        out[(first + c) * out_stride + i] = hn::GetLane(hn::SumOfLanes(d, sums[c][i]));
  }
}

// `bins` is a multiple of kTileFrames.
void raw_chroma(const float* weights, std::size_t bins, const float* power, std::size_t frames,
                std::size_t power_stride, float* out, std::size_t out_stride) {
  constexpr std::size_t kTogether = HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3 ? 2 : 4;  // of 16 or 32 registers
  std::size_t frame = 0;
  for (; frame + kTogether <= frames; frame += kTogether)
    chroma_of_frames<kTogether>(weights, bins, power + frame * power_stride, power_stride, out + frame, out_stride);
  for (; frame < frames; ++frame)
    chroma_of_frames<1>(weights, bins, power + frame * power_stride, power_stride, out + frame, out_stride);
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(find_peaks);
HWY_EXPORT(raw_chroma);

namespace {

constexpr std::size_t kSmoothingFrames = 41, kDimensions = 6;  // of chroma_cens() and tonnetz()

void resize(Matrix& matrix, std::size_t rows, std::size_t cols) {
  if (matrix.rows() != rows || matrix.cols() != cols) matrix = Matrix(rows, cols);
}

void sum_pitch_classes(const Matrix& cqt, int bins_per_octave, Matrix& chroma) {
  if (bins_per_octave < 12 || bins_per_octave % 12 != 0)
    throw Error(std::to_string(bins_per_octave) + " bins per octave are not supported", "chroma",
                "use a multiple of 12");
  const auto merged = static_cast<std::size_t>(bins_per_octave) / kPitchClasses;
  std::vector<std::size_t> pitch_class(cqt.cols());
  for (std::size_t bin = 0; bin < cqt.cols(); ++bin) pitch_class[bin] = (bin + merged / 2) / merged % kPitchClasses;
  resize(chroma, cqt.rows(), kPitchClasses);
  for (std::size_t t = 0; t < cqt.rows(); ++t) {
    const auto from = cqt.row(t);
    std::array<float, kPitchClasses> sum{};
    for (std::size_t bin = 0; bin < from.size(); ++bin) sum[pitch_class[bin]] += from[bin];
    std::copy(sum.begin(), sum.end(), chroma.row(t).begin());
  }
}

// librosa.util.normalize: rows shorter than the smallest normal number stay as they are.
void divide(std::span<float> row, double length) {
  if (length < std::numeric_limits<float>::min()) return;
  for (float& x : row) x = static_cast<float>(x / length);
}

float quantised(float share) {
  return 0.25F * static_cast<float>((share > 0.4F) + (share > 0.2F) + (share > 0.1F) + (share > 0.05F));
}

// A Hann window of 41 frames that sums to 1; without its end points, which are zero.
std::array<float, kSmoothingFrames> smoothing_window() {
  std::array<float, kSmoothingFrames> window;
  for (std::size_t k = 0; k < kSmoothingFrames; ++k) {
    const double turn = 2 * std::numbers::pi * static_cast<double>(k + 1) / (kSmoothingFrames + 1);
    window[k] = static_cast<float>((1 - std::cos(turn)) / (kSmoothingFrames + 1));
  }
  return window;
}

using Basis = std::array<std::array<double, kDimensions>, kPitchClasses>;

Basis tonal_basis() {
  // Half turns per semitone and radius of each circle.
  constexpr std::array<double, 3> kHalfTurns{7.0 / 6, 3.0 / 2, 2.0 / 3}, kRadius{1, 1, 0.5};
  Basis basis;
  for (std::size_t c = 0; c < kPitchClasses; ++c)
    for (std::size_t circle = 0; circle < kRadius.size(); ++circle) {
      const double angle = std::numbers::pi * kHalfTurns[circle] * static_cast<double>(c);
      basis[c][2 * circle] = kRadius[circle] * std::sin(angle);
      basis[c][2 * circle + 1] = kRadius[circle] * std::cos(angle);
    }
  return basis;
}

using Profile = std::array<double, kPitchClasses>;

constexpr Profile kMajor{6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88};
constexpr Profile kMinor{6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17};

// Mean 0, length 1; all zeros for a flat profile.
Profile standardised(Profile values) {
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / kPitchClasses;
  for (double& value : values) squares += (value - mean) * (value - mean);
  const double length = std::sqrt(squares);
  for (double& value : values) value = length > 1e-6 * std::abs(mean) ? (value - mean) / length : 0;
  return values;
}

float correlation(const Profile& chroma, const Profile& profile, std::size_t tonic) {
  double sum = 0;
  for (std::size_t i = 0; i < kPitchClasses; ++i) sum += chroma[(tonic + i) % kPitchClasses] * profile[i];
  return static_cast<float>(sum);
}

constexpr double kLowestHz = 150, kHighestHz = 4000;
constexpr float kThreshold = 0.1F;  // of the frame's maximum
constexpr int kSteps = 100;         // of the histogram, per bin

// numpy.median
float median(std::vector<float>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

double edge(int step) {
  return -0.5 + step * (1.0 / kSteps);
}

// The step of the histogram over [-0.5, 0.5) that holds the deviation from the nearest bin.
int histogram_step(float pitch_hz, int bins_per_octave) {
  const float position = static_cast<float>(bins_per_octave) * std::log2(pitch_hz / 27.5F);
  float deviation = position - std::floor(position);
  if (deviation >= 0.5F) deviation -= 1;
  int step = std::clamp(static_cast<int>((deviation + 0.5F) * kSteps), 0, kSteps - 1);
  if (deviation < edge(step)) --step;
  if (step + 1 < kSteps && deviation >= edge(step + 1)) ++step;
  return step;
}

constexpr double kCentreOctave = 5, kOctaveWidth = 2;  // octaves above 27.5 Hz (A0)

}  // namespace

void chroma_cqt(const Matrix& cqt, int bins_per_octave, Matrix& chroma) {
  sum_pitch_classes(cqt, bins_per_octave, chroma);
  for (std::size_t t = 0; t < chroma.rows(); ++t)
    divide(chroma.row(t), *std::max_element(chroma.row(t).begin(), chroma.row(t).end()));
}

void chroma_cens(const Matrix& cqt, int bins_per_octave, Matrix& chroma) {
  static const auto window = smoothing_window();
  constexpr std::size_t kReach = kSmoothingFrames / 2;
  Matrix steps;
  sum_pitch_classes(cqt, bins_per_octave, steps);
  for (std::size_t t = 0; t < steps.rows(); ++t) {
    const auto row = steps.row(t);
    double sum = 0;
    for (const float x : row) sum += x;
    divide(row, sum);
    for (float& x : row) x = quantised(x);
  }
  resize(chroma, steps.rows(), kPitchClasses);
  for (std::size_t t = 0; t < steps.rows(); ++t) {
    std::array<float, kPitchClasses> smooth{};
    const std::size_t first = t > kReach ? t - kReach : 0, last = std::min(steps.rows(), t + kReach + 1);
    for (std::size_t from = first; from < last; ++from)
      for (std::size_t c = 0; c < kPitchClasses; ++c) smooth[c] += window[from + kReach - t] * steps(from, c);
    double squares = 0;
    for (const float x : smooth) squares += static_cast<double>(x) * x;
    divide(smooth, std::sqrt(squares));
    std::copy(smooth.begin(), smooth.end(), chroma.row(t).begin());
  }
}

void tonnetz(const Matrix& chroma, Matrix& centroid) {
  static const Basis basis = tonal_basis();
  if (chroma.cols() != kPitchClasses)
    throw Error(std::to_string(chroma.cols()) + " pitch classes instead of 12", "tonnetz",
                "pass a chroma of 12 columns");
  resize(centroid, chroma.rows(), kDimensions);
  for (std::size_t t = 0; t < chroma.rows(); ++t) {
    const auto row = chroma.row(t);
    double sum = 0;
    std::array<double, kDimensions> point{};
    for (std::size_t c = 0; c < kPitchClasses; ++c) {
      sum += std::abs(row[c]);
      for (std::size_t d = 0; d < kDimensions; ++d) point[d] += basis[c][d] * row[c];
    }
    const double scale = sum < std::numeric_limits<float>::min() ? 1 : 1 / sum;
    for (std::size_t d = 0; d < kDimensions; ++d) centroid(t, d) = static_cast<float>(scale * point[d]);
  }
}

KeyEstimate estimate_key(std::span<const float, 12> chroma) {
  static const Profile major = standardised(kMajor), minor = standardised(kMinor);
  Profile values;
  std::copy(chroma.begin(), chroma.end(), values.begin());
  values = standardised(values);
  std::array<float, 2 * kPitchClasses> fit;
  for (std::size_t tonic = 0; tonic < kPitchClasses; ++tonic) {
    fit[tonic] = correlation(values, major, tonic);
    fit[kPitchClasses + tonic] = correlation(values, minor, tonic);
  }
  const auto best = std::max_element(fit.begin(), fit.end());
  const auto index = static_cast<std::size_t>(best - fit.begin());
  KeyEstimate key;
  key.tonic = static_cast<int>(index % kPitchClasses);
  key.minor = index >= kPitchClasses;
  key.strength = *best;
  key.mode = *std::max_element(fit.begin(), fit.begin() + kPitchClasses) -
             *std::max_element(fit.begin() + kPitchClasses, fit.end());
  std::nth_element(fit.begin(), fit.begin() + 1, fit.end(), std::greater<>());
  key.margin = key.strength - fit[1];
  return key;
}

TuningEstimator::TuningEstimator(int sample_rate_hz, std::size_t bins, int bins_per_octave)
    : sample_rate_hz_(sample_rate_hz), bins_per_octave_(bins_per_octave), bins_(bins) {
  if (sample_rate_hz < 1 || bins < 3)
    throw Error(
        "cannot estimate a tuning from " + std::to_string(bins) + " bins at " + std::to_string(sample_rate_hz) + " Hz",
        "tuning", "use at least 3 bins and a sample rate of at least 1 Hz");
  const double bin_hz = sample_rate_hz / (2.0 * static_cast<double>(bins - 1));
  // A parabola needs a neighbour on each side.
  first_bin_ = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(kLowestHz / bin_hz)));
  last_bin_ = std::min(bins - 1, static_cast<std::size_t>(std::ceil(kHighestHz / bin_hz)));
  last_bin_ = std::max(first_bin_, last_bin_);
  peaks_.resize(last_bin_ - first_bin_);
}

void TuningEstimator::reset() {
  pitches_hz_.clear();
  magnitudes_.clear();
}

void TuningEstimator::add_frame(std::span<const float> spectrum) {
  const float threshold = kThreshold * maximum(spectrum.first(bins_));
  const float* s = spectrum.data() + first_bin_;
  const std::size_t found = HWY_DYNAMIC_DISPATCH(find_peaks)(s, last_bin_ - first_bin_, threshold, peaks_.data());
  for (const std::uint32_t peak : std::span(peaks_).first(found)) add_peak(s + peak, first_bin_ + peak);
}

void TuningEstimator::add_peak(const float* top, std::size_t bin) {
  const float left = top[-1], right = top[1];
  const double curvature = static_cast<double>(right + left) - 2.0 * *top,
               slope = static_cast<double>(right - left) / 2;
  const float shift = std::abs(slope) >= std::abs(curvature) ? 0 : static_cast<float>(-slope / curvature);
  const double peak = static_cast<double>(bin) + shift,
               bin_hz = sample_rate_hz_ / (2.0 * static_cast<double>(bins_ - 1));
  pitches_hz_.push_back(static_cast<float>(peak * bin_hz));
  magnitudes_.push_back(*top + 0.25F * (right - left) * shift);
}

double TuningEstimator::estimate() {
  if (pitches_hz_.empty()) return 0;
  sorted_ = magnitudes_;
  const float threshold = median(sorted_);
  std::array<int, kSteps> votes{};
  for (std::size_t i = 0; i < pitches_hz_.size(); ++i)
    if (magnitudes_[i] >= threshold)
      ++votes[static_cast<std::size_t>(histogram_step(pitches_hz_[i], bins_per_octave_))];
  return edge(static_cast<int>(std::max_element(votes.begin(), votes.end()) - votes.begin()));
}

double estimate_tuning(const float* spectrogram, std::size_t frames, std::size_t stride, TuningEstimator& estimator) {
  estimator.reset();
  for (std::size_t t = 0; t < frames; ++t) estimator.add_frame({spectrogram + t * stride, estimator.bins()});
  return estimator.estimate();
}

ChromaFilterbank::ChromaFilterbank(const ChromaConfig& config)
    : bins_(config.n_fft / 2 + 1), stride_(aligned_stride(bins_)), weights_(kPitchClasses * stride_) {
  if (config.sample_rate_hz <= 0 || config.n_fft == 0)
    throw Error("the sample rate and the frame size must be positive", "ChromaFilterbank",
                "set sample_rate_hz and n_fft");
  constexpr double kClasses = kPitchClasses;
  const double lowest_a_hz = 440 * std::exp2(config.tuning / kClasses) / 16;
  const double bin_hz = static_cast<double>(config.sample_rate_hz) / static_cast<double>(config.n_fft);
  const auto semitones = [&](std::size_t bin) {
    return kClasses * std::log2(static_cast<double>(bin) * bin_hz / lowest_a_hz);
  };
  for (std::size_t k = 0; k < bins_; ++k) {
    // The bin of 0 Hz has no pitch; librosa places it 1.5 octaves below its neighbour.
    const double position = k > 0 ? semitones(k) : semitones(1) - 1.5 * kClasses;
    const double width = std::max(semitones(k + 1) - position, 1.0);
    double bumps[kPitchClasses], sum_of_squares = 0;
    for (std::size_t c = 0; c < kPitchClasses; ++c) {
      const double turned = position - static_cast<double>(c) + 10.5 * kClasses;
      const double distance = turned - kClasses * std::floor(turned / kClasses) - kClasses / 2;
      bumps[c] = std::exp(-0.5 * std::pow(2 * distance / width, 2));
      sum_of_squares += bumps[c] * bumps[c];
    }
    const double octaves_off = (position / kClasses - kCentreOctave) / kOctaveWidth;
    const double scale = std::exp(-0.5 * octaves_off * octaves_off) / std::sqrt(sum_of_squares);
    for (std::size_t c = 0; c < kPitchClasses; ++c) {
      const std::size_t from_c = (c + kPitchClasses - 3) % kPitchClasses;  // position 0 is an A
      weights_[from_c * stride_ + k] = static_cast<float>(bumps[c] * scale);
    }
  }
}

void ChromaFilterbank::apply(const float* power, std::size_t frames, std::size_t power_stride, float* out,
                             std::size_t out_stride) const {
  HWY_DYNAMIC_DISPATCH(raw_chroma)(weights_.data(), stride_, power, frames, power_stride, out, out_stride);
  for (std::size_t frame = 0; frame < frames; ++frame) {
    float largest = out[frame];
    for (std::size_t c = 1; c < kPitchClasses; ++c) largest = std::max(largest, out[c * out_stride + frame]);
    if (largest < std::numeric_limits<float>::min()) largest = 1;
    for (std::size_t c = 0; c < kPitchClasses; ++c) out[c * out_stride + frame] /= largest;
  }
}

}  // namespace genrewise
#endif
