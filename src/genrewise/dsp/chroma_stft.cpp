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

// Computes half of the classes of kFrames frames at a time: their sums fill the registers, and each weight is read
// once.
template <std::size_t kFrames>
void ChromaFilterbank::raw_chroma(const float* power, std::size_t power_stride,
                                  float (&raw)[kFrames][kPitchClasses]) const {
  constexpr std::size_t kHalf = kPitchClasses / 2;
  for (std::size_t first = 0; first < kPitchClasses; first += kHalf) {
    const float* const weights = weights_.data() + first * stride_;
    Lanes sums[kFrames][kHalf] = {};
    for (std::size_t k = 0; k < stride_; k += kLanes) {
      Lanes values[kFrames];
      for (std::size_t i = 0; i < kFrames; ++i) values[i] = load_lanes(power + i * power_stride + k);
#pragma GCC unroll 6
      for (std::size_t c = 0; c < kHalf; ++c) {
        const Lanes weight = load_lanes(weights + c * stride_ + k);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < kFrames; ++i) sums[i][c] += weight * values[i];
      }
    }
    for (std::size_t i = 0; i < kFrames; ++i) {
      for (std::size_t c = 0; c < kHalf; ++c) raw[i][first + c] = sum_of_lanes(sums[i][c]);
    }
  }
}

void ChromaFilterbank::apply(const float* power, std::size_t frames, std::size_t power_stride, float* out,
                             std::size_t out_stride) const {
  const auto normalise = [&](const float(&raw)[kPitchClasses], std::size_t frame) {
    float largest = *std::max_element(raw, raw + kPitchClasses);
    if (largest < std::numeric_limits<float>::min()) largest = 1;
    for (std::size_t c = 0; c < kPitchClasses; ++c) out[c * out_stride + frame] = raw[c] / largest;
  };
  constexpr std::size_t kTogether = 4;
  std::size_t frame = 0;
  for (; frame + kTogether <= frames; frame += kTogether) {
    float raw[kTogether][kPitchClasses];
    raw_chroma(power + frame * power_stride, power_stride, raw);
    for (std::size_t i = 0; i < kTogether; ++i) normalise(raw[i], frame + i);
  }
  for (; frame < frames; ++frame) {
    float raw[1][kPitchClasses];
    raw_chroma(power + frame * power_stride, power_stride, raw);
    normalise(raw[0], frame);
  }
}

}  // namespace genrewise
