// Rhythm features: tempogram, tempo and metrical ratios.
#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <span>

#include "genrewise/base/aligned.hpp"
#include "genrewise/base/matrix.hpp"
#include "genrewise/dsp/fft.hpp"

namespace genrewise {

struct TempogramConfig {
  std::size_t window_frames = 384;
  std::size_t step_frames = 1;  ///< librosa uses 1; an average over the piece needs fewer frames
};

/// The local autocorrelation of an onset envelope (Grosche, Müller and Kurth, 2010), as
/// librosa.feature.tempogram(onset_envelope=...): Hann windows centred on the frames, zero-lag correlation 1.
/// Thread-safe with one Scratch per thread.
class Tempogram {
 public:
  struct Scratch {
    AlignedVector<float> envelope, frame;
    AlignedVector<std::complex<float>> spectrum;
  };

  /// Throws Error for a window or step of 0 frames.
  explicit Tempogram(const TempogramConfig& config = {});

  /// Row i (window_frames lags) is the autocorrelation at frame i * step_frames; 0 for a window without onsets. The
  /// envelope has at least one frame.
  void process(std::span<const float> envelope, Matrix& tempogram, Scratch& scratch) const;

 private:
  TempogramConfig config_;
  RealFft fft_;
  AlignedVector<double> window_;
};

struct Tempo {
  double bpm = 0;
  double lag_frames = 0;
  double strength = 0;  ///< the autocorrelation at that lag, [0, 1] for onset envelopes
};

/// librosa.feature.tempo(tg=...): the lag whose (average) autocorrelation is largest under a log-normal prior around
/// 120 beats per minute, one octave wide, below 320. Without repetition the prior alone decides. Throws Error if there
/// are too few lags for 320 beats per minute.
Tempo estimate_tempo(std::span<const float> mean_tempogram, double frames_per_second);

/// Multiples of the tempo that distinguish metres and grooves (Prockup et al., 2015; librosa.feature.tempogram_ratio).
inline constexpr std::array<double, 13> kMetricMultiples{4,       8.0 / 3, 3,   2,       4.0 / 3, 1.5, 1,
                                                         2.0 / 3, 0.75,    0.5, 1.0 / 3, 0.375,   0.25};

/// The autocorrelation at these multiples of the tempo, linearly interpolated between lags, 0 beyond the last lag.
std::array<float, kMetricMultiples.size()> metric_pattern(std::span<const float> mean_tempogram, double lag_frames);

}  // namespace genrewise
