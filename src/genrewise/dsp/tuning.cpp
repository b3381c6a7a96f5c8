#include "genrewise/dsp/tuning.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/lanes.hpp"

namespace genrewise {
namespace {

constexpr double kLowestHz = 150, kHighestHz = 4000;
constexpr float kThreshold = 0.1F;  // of the frame's maximum
constexpr int kSteps = 100;         // of the histogram, per semitone

float maximum(std::span<const float> values) {
  Lanes largest = all_lanes(values[0]);
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    Lanes next;
    std::memcpy(&next, values.data() + i, sizeof next);  // frames may be unaligned
    largest = max_lanes(largest, next);
  }
  float result = largest_lane(largest);
  for (; i < values.size(); ++i) result = std::max(result, values[i]);
  return result;
}

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

// The step of the histogram over [-0.5, 0.5) that holds the deviation from the nearest semitone.
int histogram_step(float pitch_hz) {
  const float semitones = 12 * std::log2(pitch_hz / 27.5F);
  float deviation = semitones - std::floor(semitones);
  if (deviation >= 0.5F) deviation -= 1;
  int step = std::clamp(static_cast<int>((deviation + 0.5F) * kSteps), 0, kSteps - 1);
  if (deviation < edge(step)) --step;
  if (step + 1 < kSteps && deviation >= edge(step + 1)) ++step;
  return step;
}

}  // namespace

TuningEstimator::TuningEstimator(int sample_rate_hz, std::size_t bins) : sample_rate_hz_(sample_rate_hz), bins_(bins) {
  if (sample_rate_hz < 1 || bins < 3)
    throw Error(
        "cannot estimate a tuning from " + std::to_string(bins) + " bins at " + std::to_string(sample_rate_hz) + " Hz",
        "tuning", "use at least 3 bins and a sample rate of at least 1 Hz");
  const double bin_hz = sample_rate_hz / (2.0 * static_cast<double>(bins - 1));
  const double highest_hz = std::min(kHighestHz, sample_rate_hz / 2.0);
  // A parabola needs a neighbour on each side.
  first_bin_ = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(kLowestHz / bin_hz)));
  last_bin_ = std::min(bins - 1, static_cast<std::size_t>(std::ceil(highest_hz / bin_hz)));
  last_bin_ = std::max(first_bin_, last_bin_);
  is_peak_.resize((last_bin_ - first_bin_ + 7) / 8 * 8);
}

void TuningEstimator::reset() {
  pitches_hz_.clear();
  magnitudes_.clear();
}

void TuningEstimator::add_frame(std::span<const float> spectrum) {
  const float threshold = kThreshold * maximum(spectrum.first(bins_));
  const float* s = spectrum.data() + first_bin_;
  // A local pointer, because a byte store through the member could alias any member and prevent vectorisation.
  unsigned char* const peaks = is_peak_.data();
  const std::size_t count = last_bin_ - first_bin_;
  for (std::size_t i = 0; i < count; ++i) {
    const float below = s[static_cast<std::ptrdiff_t>(i) - 1];
    peaks[i] = static_cast<unsigned char>((s[i] > threshold) & (s[i] > below) & (s[i] >= s[i + 1]));
  }
  // Few bins are peaks: skips eight at once.
  for (std::size_t first = 0; first < is_peak_.size(); first += sizeof(std::uint64_t)) {
    std::uint64_t flags;
    std::memcpy(&flags, is_peak_.data() + first, sizeof flags);
    if (flags == 0) continue;
    for (std::size_t i = first; i < first + sizeof flags; ++i)
      if (is_peak_[i] != 0) add_peak(s + i, first_bin_ + i);
  }
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
    if (magnitudes_[i] >= threshold) ++votes[static_cast<std::size_t>(histogram_step(pitches_hz_[i]))];
  return edge(static_cast<int>(std::max_element(votes.begin(), votes.end()) - votes.begin()));
}

double estimate_tuning(const float* spectrogram, std::size_t frames, std::size_t stride, TuningEstimator& estimator) {
  estimator.reset();
  for (std::size_t t = 0; t < frames; ++t) estimator.add_frame({spectrogram + t * stride, estimator.bins()});
  return estimator.estimate();
}

}  // namespace genrewise
