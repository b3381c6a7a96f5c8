// All per-frame features in one pass over a clip's spectrogram, and its mel-spectrogram.
#pragma once

#include <array>
#include <complex>
#include <map>
#include <memory>
#include <mutex>
#include <span>

#include "genrewise/base/matrix.hpp"
#include "genrewise/dsp/mel.hpp"
#include "genrewise/dsp/spectral_shape.hpp"
#include "genrewise/dsp/stft.hpp"
#include "genrewise/dsp/tonality.hpp"
#include "genrewise/features/clip_analysis.hpp"

namespace genrewise {

/// Features x frames: the values of one feature over time are contiguous. Rows are aligned and padded to a multiple of
/// kTileFrames; values after the last frame are undefined.
class Series {
 public:
  void resize(std::size_t rows, std::size_t frames);
  std::size_t frames() const { return frames_; }
  std::size_t stride() const { return stride_; }
  float* data(std::size_t row) { return values_.data() + row * stride_; }
  std::span<float> row(std::size_t i) { return {data(i), frames_}; }

 private:
  std::size_t frames_ = 0, stride_ = 0;
  AlignedVector<float> values_;
};

struct FrameAnalysisConfig {
  int pitch_rate_hz = 0;              ///< sample rate for all features but the MFCC; 0: the true one
  bool contrast = true;               ///< false: the rows of the contrast are undefined
  bool cqt_tuning = true;             ///< estimate the tuning as librosa.cqt does
  bool chroma = true;                 ///< false: the rows of the chroma are undefined
  std::size_t kept_frames = 1 << 15;  ///< longest clip whose power spectra are kept (6 minutes at 44.1 kHz, 136 MB)
  float rolloff_offset = 0;  ///< kOffsetRolloff: the roll-off of the signal + this value; 0: its row is undefined
};

/// Features of a clip's frames.
struct FrameFeatures {
  Series& series;     ///< FrameAnalysis::kRows rows
  Series& mel;        ///< 128 bands in dB, not limited to a range
  double cqt_tuning;  ///< in semitones, from the magnitudes at the true rate
};

/// Frames of 2,048 samples, 512 apart. Immutable except for caches behind a lock.
class FrameAnalysis {
 public:
  /// Rows of the result.
  static constexpr std::size_t kMfcc = 0, kMfccs = 20, kChroma = kMfcc + kMfccs, kZcr = kChroma + kPitchClasses,
                               kCentroid = kZcr + 1, kBandwidth = kCentroid + 1, kRolloff = kBandwidth + 1,
                               kRms = kRolloff + 1, kOffsetRolloff = kRms + 1, kContrast = kOffsetRolloff + 1,
                               kRows = kContrast + kContrastBands;

  explicit FrameAnalysis(const FrameAnalysisConfig& config);

  /// Features of a clip with at least one sample, until its analysis goes on to another clip or another FrameAnalysis
  /// processes it. What an earlier one, of whatever configuration, computed for this clip is taken over.
  FrameFeatures process(ClipAnalysis& clip) const;

  /// Powers of the kTileFrames frames from `first` (a multiple of kTileFrames) on, aligned_stride(bins()) apart, zero
  /// after the last frame, of a clip that process() had. They hold until the next call: of a long clip they are
  /// computed again.
  const float* powers(ClipAnalysis& clip, std::size_t first) const;

  std::size_t frames(std::size_t samples) const { return stft_.frames(samples); }
  std::size_t bins() const { return stft_.bins(); }

 private:
  using LowBins = std::array<std::complex<double>, 2>;  // of one frame's spectrum
  struct Frames;
  struct Work;
  struct Todo;

  std::shared_ptr<const MelFilterbank> mel_filterbank(int sample_rate_hz) const;
  std::shared_ptr<const ChromaFilterbank> chroma_filterbank(int sample_rate_hz, double tuning) const;
  void pass(const Waveform& clip, const Todo& todo, Frames& frames, Work& work) const;
  void power_tile(std::span<const float> samples, std::size_t first, std::size_t count, float* power, LowBins* low,
                  Work& work) const;
  float* stored_or_again(std::span<const float> samples, std::size_t first, bool again, Work& work) const;
  void magnitude_tile(const float* power, Work& work) const;
  void offset_rolloff(const Waveform& clip, std::size_t first, const float* power, Frames& frames, Work& work) const;
  void cepstra(Series& series, Work& work) const;
  int pitch_rate_hz(const Waveform& clip) const;

  FrameAnalysisConfig config_;
  Stft stft_;
  Dct dct_;
  LowBins offset_;  // of the spectrum of rolloff_offset
  mutable std::mutex cache_mutex_;
  mutable std::map<int, std::shared_ptr<const MelFilterbank>> mel_filterbanks_;
  mutable std::map<std::pair<int, int>, std::shared_ptr<const ChromaFilterbank>> chroma_filterbanks_;
};

/// Magnitudes of the constant-Q transform of the clip (frames x 84, from C1), computed once per clip. `tuning`:
/// FrameFeatures::cqt_tuning.
const Matrix& constant_q(ClipAnalysis& clip, double tuning);

}  // namespace genrewise
