// Input of the pretrained audio networks: log-mel spectrograms as in their training.
#pragma once

#include <cstddef>
#include <span>

#include "genrewise/dsp/mel.hpp"
#include "genrewise/dsp/stft.hpp"

namespace genrewise {

/// A mel spectrogram, computed kTileFrames frames at a time.
class MelSpectrogram {
 public:
  struct Scratch {
    Stft::Scratch stft;
    AlignedVector<float> power, tile, bands;
  };
  MelSpectrogram(const StftConfig& stft, const MelConfig& mel) : stft_(stft), mel_(mel) {}

  std::size_t frames(std::size_t samples) const { return stft_.frames(samples); }
  /// Calls use(first, count, bands) for blocks of at most kTileFrames frames of [first_frame, first_frame +
  /// count): the power of band b in frame first + i is bands[b * kTileFrames + i], which `use` may overwrite.
  template <class Use>
  void process(std::span<const float> samples, std::size_t first_frame, std::size_t count, Scratch& scratch,
               const Use& use) const;

 private:
  Stft stft_;
  MelFilterbank mel_;
};

/// EfficientAT's: mono at 32 kHz; y[n] = x[n + 1] - 0.97 x[n]; power of 1,024-point spectra, symmetric Hann window of
/// 800, hop 320, reflected at the ends; 128 Kaldi mel bands up to 15 kHz; (ln(m + 1e-5) + 4.5) / 5.
class EfficientAtFrontEnd {
 public:
  static constexpr int kSampleRateHz = 32000;
  static constexpr std::size_t kBands = 128;
  struct Scratch {
    MelSpectrogram::Scratch mel;
    AlignedVector<float> emphasised;
  };
  EfficientAtFrontEnd();
  /// Number of frames; 100 per second.
  std::size_t frames(std::size_t samples) const { return samples < 2 ? 0 : mel_.frames(samples - 1); }
  /// Call it once before process(), for a signal of at least two samples.
  void emphasise(std::span<const float> samples, Scratch& scratch) const;
  /// Frames [first, first + count) of the pre-emphasised signal; out is 128 bands x count.
  void process(std::size_t first, std::size_t count, std::span<float> out, Scratch& scratch) const;

 private:
  MelSpectrogram mel_;
};

/// musicnn's: mono at 16 kHz; power of 512-point spectra, periodic Hann window, hop 256, reflected at the ends; 96
/// Slaney mel bands up to 8 kHz; log10(10,000 m + 1).
class MusicnnFrontEnd {
 public:
  static constexpr int kSampleRateHz = 16000;
  static constexpr std::size_t kBands = 96;
  using Scratch = MelSpectrogram::Scratch;
  MusicnnFrontEnd();
  std::size_t frames(std::size_t samples) const { return mel_.frames(samples); }
  /// Number of samples that `frames` frames cover.
  static std::size_t samples_for(std::size_t frames);
  /// Frames [first, first + count); out is count x 96 bands.
  void process(std::span<const float> samples, std::size_t first, std::size_t count, std::span<float> out,
               Scratch& scratch) const;

 private:
  MelSpectrogram mel_;
};

}  // namespace genrewise
