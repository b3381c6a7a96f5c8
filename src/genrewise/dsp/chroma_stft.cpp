#include "genrewise/dsp/chroma_stft.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/lanes.hpp"

namespace genrewise {
namespace {

constexpr double kCentreOctave = 5, kOctaveWidth = 2;  // octaves above 27.5 Hz (A0)

}  // namespace

ChromaFilterbank::ChromaFilterbank(const ChromaConfig& config)
    : bins_(config.n_fft / 2 + 1), stride_(aligned_stride(bins_)), weights_(kPitchClasses * stride_) {
  if (config.sample_rate_hz <= 0 || config.n_fft == 0)
    throw Error("needs a sample rate and a frame", "ChromaFilterbank");
  constexpr double kClasses = kPitchClasses;
  const double lowest_a_hz = 440 * std::exp2(config.tuning / kClasses) / 16;
  const double bin_hz = static_cast<double>(config.sample_rate_hz) / static_cast<double>(config.n_fft);
  const auto semitones = [&](std::size_t bin) {
    return kClasses * std::log2(static_cast<double>(bin) * bin_hz / lowest_a_hz);
  };
  for (std::size_t k = 0; k < bins_; ++k) {
    // The bin of 0 Hz has no pitch: it counts as 1.5 octaves below its neighbour.
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

void ChromaFilterbank::apply(const float* power, float* out, std::size_t stride) const {
  Lanes sums[kPitchClasses] = {};
  for (std::size_t k = 0; k < stride_; k += kLanes) {
    const Lanes value = load_lanes(power + k);
#pragma GCC unroll 12
    for (std::size_t c = 0; c < kPitchClasses; ++c) sums[c] += load_lanes(&weights_[c * stride_ + k]) * value;
  }
  float raw[kPitchClasses], largest = 0;
  for (std::size_t c = 0; c < kPitchClasses; ++c) {
    raw[c] = sum_of_lanes(sums[c]);
    largest = std::max(largest, raw[c]);
  }
  if (largest < std::numeric_limits<float>::min()) largest = 1;
  for (std::size_t c = 0; c < kPitchClasses; ++c) out[c * stride] = raw[c] / largest;
}

}  // namespace genrewise
