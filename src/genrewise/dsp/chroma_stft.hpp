// Chroma from a power spectrogram.
#pragma once

#include <cstddef>

#include "genrewise/dsp/lanes.hpp"

namespace genrewise {

inline constexpr std::size_t kPitchClasses = 12;

struct ChromaConfig {
  int sample_rate_hz = 22050;
  std::size_t n_fft = 2048;
  double tuning = 0;  ///< deviation from A440 in semitones
};

/// Gaussian weights around each pitch class, emphasising 880 Hz, like librosa.filters.chroma (Ellis, 2007: ctroct 5,
/// octwidth 2, norm 2, row 0 is C).
class ChromaFilterbank {
 public:
  /// Throws Error for a sample rate or frame size of 0.
  explicit ChromaFilterbank(const ChromaConfig& config);

  /// Maps `frames` power spectra of 1 + n_fft / 2 bins to kPitchClasses values each, scaled to a maximum of 1, like
  /// librosa.feature.chroma_stft(norm=inf); a frame of zeros stays zero. Frame i is read at power + i * power_stride
  /// (aligned, zero-padded up to aligned_stride(bins)); its class c is written to out[c * out_stride + i].
  void apply(const float* power, std::size_t frames, std::size_t power_stride, float* out,
             std::size_t out_stride) const;

  /// The weight of a bin in a pitch class.
  float weight(std::size_t pitch_class, std::size_t bin) const { return weights_[pitch_class * stride_ + bin]; }

 private:
  template <std::size_t kFrames>
  void raw_chroma(const float* power, std::size_t power_stride, float (&raw)[kFrames][kPitchClasses]) const;

  std::size_t bins_, stride_;
  AlignedVector<float> weights_;
};

}  // namespace genrewise
