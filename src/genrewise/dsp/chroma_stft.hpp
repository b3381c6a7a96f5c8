// Chroma from a power spectrogram.
#pragma once

#include <cstddef>

#include "genrewise/dsp/aligned.hpp"

namespace genrewise {

inline constexpr std::size_t kPitchClasses = 12;

struct ChromaConfig {
  int sample_rate_hz = 22050;
  std::size_t n_fft = 2048;
  double tuning = 0;  ///< deviation from A440 in semitones
};

/// Gaussian bumps around each pitch class, weighted towards 880 Hz, as librosa.filters.chroma (Ellis, 2007: ctroct 5,
/// octwidth 2, norm 2, row 0 is C).
class ChromaFilterbank {
 public:
  explicit ChromaFilterbank(const ChromaConfig& config);

  /// One frame of 1 + n_fft / 2 powers -> kPitchClasses values whose largest is 1, as
  /// librosa.feature.chroma_stft(norm=inf); a frame of zeros stays zero. Class c goes to out + c * stride. `power` is
  /// aligned, with zeros up to aligned_stride(bins).
  void apply(const float* power, float* out, std::size_t stride) const;

  /// The weight of a bin in a pitch class.
  float weight(std::size_t pitch_class, std::size_t bin) const { return weights_[pitch_class * stride_ + bin]; }

 private:
  std::size_t bins_, stride_;
  AlignedVector<float> weights_;
};

}  // namespace genrewise
