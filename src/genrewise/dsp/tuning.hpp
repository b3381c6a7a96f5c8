// How far a recording's tuning lies from A4 = 440 Hz.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace genrewise {

/// librosa.estimate_tuning (piptrack and pitch_tuning with their defaults): the peaks of each spectrum between 150 and
/// 4,000 Hz that exceed a tenth of its maximum are interpolated by a parabola; those at or above the median magnitude
/// vote for their deviation from the nearest semitone, in hundredths. Frames are given one by one or in blocks, as they
/// come out of the STFT, so nothing is computed twice.
class TuningEstimator {
 public:
  /// `bins` = 1 + n_fft / 2 >= 3, of a spectrum at that sampling rate. Throws Error otherwise.
  TuningEstimator(int sample_rate_hz, std::size_t bins);

  /// One frame of a magnitude (librosa.cqt) or power spectrogram (chroma_stft), bins() values.
  void add_frame(std::span<const float> spectrum);
  /// In semitones, a multiple of 0.01 in [-0.5, 0.5); 0 where no frame had a peak (silence).
  double estimate();
  /// Forgets all frames, keeps the memory.
  void reset();

  std::size_t bins() const { return bins_; }

 private:
  void add_peak(const float* top, std::size_t bin);

  int sample_rate_hz_;
  std::size_t bins_, first_bin_, last_bin_;
  std::vector<float> pitches_hz_, magnitudes_, sorted_;
  std::vector<unsigned char> is_peak_;
};

/// The same for a whole spectrogram, frames x bins, row-major, with `stride` floats from frame to frame.
double estimate_tuning(const float* spectrogram, std::size_t frames, std::size_t stride, TuningEstimator& estimator);

}  // namespace genrewise
