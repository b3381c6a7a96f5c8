// Tuning estimation: deviation from A4 = 440 Hz.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace genrewise {

/// librosa.estimate_tuning (piptrack and pitch_tuning with their defaults): the peaks of each spectrum between 150 and
/// 4,000 Hz that exceed a tenth of its maximum are interpolated by a parabola; the result is the most frequent
/// deviation from the nearest semitone, in hundredths, among those at or above the median magnitude. Frames of an
/// existing STFT can be added one by one.
class TuningEstimator {
 public:
  /// `bins` = 1 + n_fft / 2 >= 3. Throws Error for fewer bins or a sampling rate below 1 Hz.
  TuningEstimator(int sample_rate_hz, std::size_t bins);

  /// Adds one frame of a magnitude (as in librosa.cqt) or power spectrogram (as in chroma_stft), bins() values.
  void add_frame(std::span<const float> spectrum);
  /// The tuning in semitones, a multiple of 0.01 in [-0.5, 0.5); 0 if no frame had a peak (silence).
  double estimate();
  /// Removes all frames, keeps allocated memory.
  void reset();

  std::size_t bins() const { return bins_; }

 private:
  void add_peak(const float* top, std::size_t bin);

  int sample_rate_hz_;
  std::size_t bins_, first_bin_, last_bin_;
  std::vector<float> pitches_hz_, magnitudes_, sorted_;
  std::vector<unsigned char> is_peak_;
};

/// Estimates the tuning of a whole spectrogram, frames x bins, row-major, with `stride` floats between frames.
double estimate_tuning(const float* spectrogram, std::size_t frames, std::size_t stride, TuningEstimator& estimator);

}  // namespace genrewise
