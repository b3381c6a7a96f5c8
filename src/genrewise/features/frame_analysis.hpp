// All per-frame features in one pass over a clip's spectrogram, and its mel-spectrogram.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "genrewise/base/matrix.hpp"
#include "genrewise/dsp/mel.hpp"
#include "genrewise/dsp/spectral_shape.hpp"
#include "genrewise/dsp/stft.hpp"
#include "genrewise/dsp/tonality.hpp"

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
  int pitch_rate_hz = 0;     ///< sample rate for all features but the MFCC; 0: the true one
  bool contrast = true;      ///< false: the rows of the contrast are undefined
  bool cqt_tuning = true;    ///< estimate the tuning as librosa.cqt does
  bool chroma = true;        ///< false: the rows of the chroma are undefined
  float rolloff_offset = 0;  ///< added to the signal for the roll-off only
};

/// Frames of 2,048 samples, 512 apart. Immutable except for caches behind a lock.
class FrameAnalysis {
 public:
  /// Rows of the result.
  static constexpr std::size_t kMfcc = 0, kMfccs = 20, kChroma = kMfcc + kMfccs, kZcr = kChroma + kPitchClasses,
                               kCentroid = kZcr + 1, kBandwidth = kCentroid + 1, kRolloff = kBandwidth + 1,
                               kRms = kRolloff + 1, kContrast = kRms + 1, kRows = kContrast + kContrastBands;

  struct Scratch {
    Stft::Scratch stft;
    AlignedVector<float> power;  ///< frames x power_stride, kept for the chroma
    AlignedVector<float> rows, tile;
    std::vector<float> offset_samples;
    Series mel;  ///< 128 bands in dB, also a result (not limited to a range)
    Series valleys, unused;
    struct Tuning {
      int sample_rate_hz = 0;
      std::optional<TuningEstimator> estimator;
    } power_tuning, magnitude_tuning;
    Series series;          ///< the result
    double cqt_tuning = 0;  ///< in semitones, from the magnitudes at the true rate

    /// The slot's estimator, reset; that of the previous clip if the rate is the same.
    static TuningEstimator& tuning(Tuning& slot, int sample_rate_hz, std::size_t bins);
  };

  explicit FrameAnalysis(const FrameAnalysisConfig& config);

  /// Fills scratch.series and scratch.cqt_tuning. The clip has at least one sample.
  void process(std::span<const float> samples, int sample_rate_hz, Scratch& scratch) const;

  std::size_t frames(std::size_t samples) const { return stft_.frames(samples); }
  std::size_t bins() const { return stft_.bins(); }

 private:
  const MelFilterbank& mel_filterbank(int sample_rate_hz) const;
  const ChromaFilterbank& chroma_filterbank(int sample_rate_hz, double tuning) const;
  void spectra(std::span<const float> samples, int sample_rate_hz, int pitch_rate_hz, Scratch& scratch) const;
  void magnitude_tile(std::span<const float> samples, std::size_t first, float* power, Scratch& scratch) const;
  void cepstra(float loudest_mel, Scratch& scratch) const;
  void rolloff_of_offset_signal(std::span<const float> samples, int rate_hz, Scratch& scratch) const;
  void chroma(int rate_hz, Scratch& scratch) const;

  FrameAnalysisConfig config_;
  Stft stft_;
  Dct dct_;
  mutable std::mutex cache_mutex_;
  mutable std::map<int, std::unique_ptr<const MelFilterbank>> mel_filterbanks_;
  mutable std::map<std::pair<int, int>, std::unique_ptr<const ChromaFilterbank>> chroma_filterbanks_;
};

}  // namespace genrewise
