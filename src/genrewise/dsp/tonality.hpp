// Tonal features: tuning, chroma from power spectra and from the constant-Q transform, tonal centroids and the key.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genrewise/base/aligned.hpp"
#include "genrewise/base/matrix.hpp"

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
  std::size_t bins_, stride_;
  AlignedVector<float> weights_;
};

/// librosa.feature.chroma_cqt(C=..., n_chroma=12, bins_per_octave=...): constant-Q magnitudes (frames x bins, the
/// lowest a C) summed by pitch class, each frame divided by its maximum; a silent frame stays zero. `chroma` becomes
/// frames x 12. bins_per_octave is a multiple of 12, and 12 for the bins of Cqt. FMA's features.py omits it, which
/// since librosa 0.8 means 36, so groups of three neighbouring semitones count as one; fma518 reproduces that. Throws
/// Error for other values.
void chroma_cqt(const Matrix& cqt, int bins_per_octave, Matrix& chroma);

/// librosa.feature.chroma_cens(C=..., n_chroma=12, bins_per_octave=...): energy-normalised chroma (Müller and Ewert,
/// 2011): each frame is divided by its sum, quantised at 0.05, 0.1, 0.2 and 0.4, smoothed with a Hann window of 41
/// frames and scaled to unit length.
void chroma_cens(const Matrix& cqt, int bins_per_octave, Matrix& chroma);

/// librosa.feature.tonnetz(chroma=...): the tonal centroid of Harte, Sandler and Gasser (2006). `chroma`: frames x 12,
/// not negative; `centroid` becomes frames x 6: fifths x and y, minor thirds x and y, major thirds x and y. A silent
/// frame gives zeros. Throws Error if `chroma` has other columns.
void tonnetz(const Matrix& chroma, Matrix& centroid);

struct KeyEstimate {
  int tonic = 0;  ///< pitch class, 0 = C
  bool minor = false;
  float strength = 0;  ///< correlation with that key's profile, [-1, 1]
  float margin = 0;    ///< difference to the strength of the second best key
  float mode = 0;      ///< the best major key's correlation minus the best minor key's
};

/// Krumhansl's key-finding algorithm (Krumhansl, 1990): correlates the average chroma of a piece (12 pitch classes from
/// C, not negative) with the probe-tone profiles of Krumhansl and Kessler (1982) of all 24 keys. A flat or silent
/// chroma gives C major with strength, margin and mode 0.
KeyEstimate estimate_key(std::span<const float, 12> chroma);

/// librosa.estimate_tuning (piptrack and pitch_tuning with their defaults): the peaks of each spectrum between 150 and
/// 4,000 Hz that exceed a tenth of its maximum are interpolated by a parabola; the result is the most frequent
/// deviation from the nearest bin of `bins_per_octave`, in hundredths of a bin, among those at or above the median
/// magnitude. Frames of an existing STFT can be added one by one.
class TuningEstimator {
 public:
  /// `bins` = 1 + n_fft / 2 >= 3. Throws Error for fewer bins or a sampling rate below 1 Hz.
  TuningEstimator(int sample_rate_hz, std::size_t bins, int bins_per_octave = 12);

  /// Adds one frame of a magnitude (as in librosa.cqt) or power spectrogram (as in chroma_stft), bins() values.
  void add_frame(std::span<const float> spectrum);
  /// The tuning in bins of `bins_per_octave` (semitones), a multiple of 0.01 in [-0.5, 0.5); 0 if no frame had a peak
  /// (silence).
  double estimate();
  /// Removes all frames, keeps allocated memory.
  void reset();

  std::size_t bins() const { return bins_; }

 private:
  void add_peak(const float* top, std::size_t bin);

  int sample_rate_hz_, bins_per_octave_;
  std::size_t bins_, first_bin_, last_bin_;
  std::vector<float> pitches_hz_, magnitudes_, sorted_;
  std::vector<std::uint32_t> peaks_;  // work memory of add_frame()
};

/// Estimates the tuning of a whole spectrogram, frames x bins, row-major, with `stride` floats between frames.
double estimate_tuning(const float* spectrogram, std::size_t frames, std::size_t stride, TuningEstimator& estimator);

}  // namespace genrewise
