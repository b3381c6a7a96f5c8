// Spectral centroid, bandwidth, roll-off, RMS and contrast.
#pragma once

#include <cstddef>
#include <vector>

namespace genrewise {

/// kTileFrames values each, aligned.
struct SpectralShape {
  float* centroid_hz;
  float* bandwidth_hz;
  float* rolloff_hz;
  float* rms;
};

/// Computes the shape of a tile of magnitudes (see tile.hpp; bins = 1 + n_fft / 2 of an even n_fft), as
/// librosa.feature.spectral_centroid, spectral_bandwidth (p = 2), spectral_rolloff (85 %) and rms, all with S=. A frame
/// of zeros gives 0 in all four.
void spectral_shape(const float* tile, std::size_t bins, int sample_rate_hz, const SpectralShape& out);

inline constexpr std::size_t kContrastBands = 7;  ///< six octaves from 200 Hz, and the range below

/// Spectral contrast (Jiang et al., 2002) as librosa.feature.spectral_contrast(S=, n_bands=6, fmin=200,
/// quantile=0.02): the mean of a band's largest magnitudes over the mean of its smallest, in dB.
class SpectralContrast {
 public:
  /// Throws Error if the last octave starts above half the sample rate.
  SpectralContrast(int sample_rate_hz, std::size_t n_fft);

  /// Processes a tile of magnitudes; writes peaks and valleys (linear) of band b to peaks + b * stride and valleys + b
  /// * stride.
  void extremes(const float* tile, float* peaks, float* valleys, std::size_t stride) const;

 private:
  struct Band {
    std::size_t first_bin, end_bin, taken;
  };
  std::vector<Band> bands_;
};

/// Turns peaks into contrasts in dB: both are limited to 80 dB below their largest value, over all bands and frames,
/// before they are subtracted (as librosa does). kContrastBands rows of `frames` values, `stride` apart; frames is
/// a multiple of kTileFrames, of which the first `valid` count for the limit.
void contrast_in_db(float* peaks, float* valleys, std::size_t stride, std::size_t valid);

}  // namespace genrewise
