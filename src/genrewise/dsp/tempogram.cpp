#include "genrewise/dsp/tempogram.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/stft.hpp"

namespace genrewise {
namespace {

// The next fast FFT size in which no lag wraps around.
std::size_t transform_size(std::size_t window) {
  for (std::size_t power = 8;; power *= 2)
    for (const std::size_t size : {power, power / 4 * 5, power / 2 * 3})
      if (size >= 2 * window - 1) return size;
}

}  // namespace

Tempogram::Tempogram(const TempogramConfig& config)
    : config_(config), fft_(transform_size(std::max<std::size_t>(config.window_frames, 1))) {
  if (config.window_frames == 0 || config.step_frames == 0) {
    throw Error("a window or step of 0 frames is not possible", "tempogram", "set window_frames and step_frames");
  }
  window_ = hann_window(config.window_frames);
}

void Tempogram::process(std::span<const float> envelope, Matrix& tempogram, Scratch& scratch) const {
  const std::size_t window = config_.window_frames, half = window / 2;
  const std::size_t rows = (envelope.size() + config_.step_frames - 1) / config_.step_frames;
  if (tempogram.rows() != rows || tempogram.cols() != window) tempogram = Matrix(rows, window);
  // Like numpy.pad(mode="linear_ramp"): linear down to 0 on both sides.
  scratch.envelope.resize(envelope.size() + 2 * half);
  std::copy(envelope.begin(), envelope.end(), scratch.envelope.begin() + static_cast<std::ptrdiff_t>(half));
  for (std::size_t i = 0; i < half; ++i) {
    const float share = static_cast<float>(i) / static_cast<float>(half);
    scratch.envelope[i] = share * envelope.front();
    scratch.envelope[scratch.envelope.size() - 1 - i] = share * envelope.back();
  }
  // An odd window extends one frame beyond its padding.
  scratch.envelope.push_back(0);
  scratch.frame.assign(fft_.size(), 0.0F);
  scratch.spectrum.resize(fft_.bins());

  for (std::size_t row = 0; row < rows; ++row) {
    const float* from = scratch.envelope.data() + row * config_.step_frames;
    for (std::size_t i = 0; i < window; ++i) scratch.frame[i] = from[i] * static_cast<float>(window_[i]);
    std::fill(scratch.frame.begin() + static_cast<std::ptrdiff_t>(window), scratch.frame.end(), 0.0F);
    fft_.forward(scratch.frame.data(), scratch.spectrum.data());
    for (auto& value : scratch.spectrum) value = std::norm(value);
    fft_.inverse(scratch.spectrum.data(), scratch.frame.data());
    const float zero_lag = scratch.frame[0];
    const float scale = zero_lag < std::numeric_limits<float>::min() ? 0.0F : 1 / zero_lag;
    for (std::size_t lag = 0; lag < window; ++lag) tempogram(row, lag) = scale * scratch.frame[lag];
  }
}

Tempo estimate_tempo(std::span<const float> mean_tempogram, double frames_per_second) {
  constexpr double kStartBpm = 120, kHighestBpm = 320;
  Tempo best;
  double best_score = -std::numeric_limits<double>::infinity();
  for (std::size_t lag = 1; lag < mean_tempogram.size(); ++lag) {
    const double bpm = 60 * frames_per_second / static_cast<double>(lag);
    if (bpm >= kHighestBpm) continue;
    const double octaves = std::log2(bpm / kStartBpm), correlation = std::max(mean_tempogram[lag], 0.0F);
    const double score = std::log1p(1e6 * correlation) - 0.5 * octaves * octaves;
    if (score > best_score) {
      best_score = score;
      best = {bpm, static_cast<double>(lag), correlation};
    }
  }
  if (best.bpm == 0) {
    throw Error("a tempogram of " + std::to_string(mean_tempogram.size()) + " lags is too short for any tempo", "tempo",
                "use a longer window");
  }
  return best;
}

std::array<float, kMetricMultiples.size()> metric_pattern(std::span<const float> mean_tempogram, double lag_frames) {
  std::array<float, kMetricMultiples.size()> pattern{};
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const double lag = lag_frames / kMetricMultiples[i];
    const auto below = static_cast<std::size_t>(lag);
    if (below + 1 >= mean_tempogram.size()) continue;
    const auto share = static_cast<float>(lag - static_cast<double>(below));
    pattern[i] = (1 - share) * mean_tempogram[below] + share * mean_tempogram[below + 1];
  }
  return pattern;
}

}  // namespace genrewise
