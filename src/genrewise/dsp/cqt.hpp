// The constant-Q transform: a spectrum with one bin per semitone.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "genrewise/base/aligned.hpp"
#include "genrewise/base/matrix.hpp"
#include "genrewise/dsp/cqt_kernel.hpp"

namespace genrewise {

inline constexpr double kC1Hz = 32.703195662574829;

/// Q factor (centre frequency / bandwidth) of every filter (librosa >= 0.10: (r^2 + 1) / (r^2 - 1), r = 2^(1 /
/// bins_per_octave)).
double cqt_quality(std::size_t bins_per_octave = kBinsPerOctave);

struct CqtConfig {
  int sample_rate_hz = 0;
  std::size_t hop_samples = 512;  ///< a multiple of 2^(octaves - 1)
  std::size_t octaves = 7;
  double lowest_hz = kC1Hz;
  std::size_t bins_per_octave = kBinsPerOctave;  ///< a multiple of 12
  /// Longer signals (three minutes at 44.1 kHz) are processed in parts, with the same result in less memory.
  std::size_t part_frames = 1 << 14;
};

/// |librosa.cqt(y, sr, hop_length, fmin, n_bins=bins_per_octave * octaves, bins_per_octave, tuning)| with librosa
/// 0.11's defaults (Hann, norm 1, sparsity 0.01, scale, zero padding, soxr_hq), after Brown and Puckette (1992) and
/// Schörkhuber and Klapuri (2010): octaves are computed from the top, each at half the sampling rate of the one above.
/// Matches librosa within 1e-3 of the largest magnitude. Thread-safe with one Scratch per thread.
class Cqt {
 public:
  struct Scratch {
    AlignedVector<float> upper, lower;
    CqtProjectScratch project;
    Matrix part;
  };

  /// Throws Error for a sampling rate below minimum_sample_rate_hz(), a hop that is not a multiple of 2^(octaves - 1),
  /// and bins per octave that are not a multiple of 12.
  explicit Cqt(const CqtConfig& config);

  /// The lowest sampling rate whose Nyquist frequency is above the highest filter for any tuning (8,486 Hz for C1 and 7
  /// octaves). librosa.cqt also raises an error below it.
  static int minimum_sample_rate_hz(std::size_t octaves = 7, double lowest_hz = kC1Hz);

  std::size_t bins() const { return config_.octaves * config_.bins_per_octave; }
  /// Number of frames, one centred on every hop_samples-th sample: about 1 + samples / hop_samples.
  std::size_t frames(std::size_t samples, double tuning) const;

  /// `samples`: finite, any number. `tuning`: in bins, [-0.5, 0.5), from estimate_tuning(). `magnitude` becomes frames
  /// x bins, lowest note first.
  void process(std::span<const float> samples, double tuning, Matrix& magnitude, Scratch& scratch) const;

 private:
  struct Kernels;
  Kernels make_kernels(double tuning) const;
  void process_part(std::span<const float> samples, const Kernels& kernels, Matrix& magnitude, Scratch& scratch) const;

  CqtConfig config_;
};

}  // namespace genrewise
