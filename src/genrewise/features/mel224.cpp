// mel224: a 224 x 224 mel-spectrogram in dB, the input size of image networks.
#include <fmt/format.h>

#include <algorithm>

#include "genrewise/dsp/mel.hpp"
#include "genrewise/dsp/stft.hpp"
#include "genrewise/dsp/tile.hpp"
#include "genrewise/features/feature_list.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kSide = 224;
constexpr int kRateHz = 22050;
// 5.4 Hz between bins: each of the 224 filters covers at least one.
constexpr std::size_t kNFft = 4096;
// 223.5 hops in 30 s, so that 29.94 to 30.06 s give 224 frames without cutting or padding.
constexpr std::size_t kHopSamples = 2960;

struct Mel224Scratch {
  Stft::Scratch stft;
  AlignedVector<float> power, tile, mel;
};

class Mel224 final : public StoredFeatureSet {
 public:
  Mel224()
      : StoredFeatureSet(
            make_recipe(
                "mel224", 1,
                fmt::format("rate {} n_fft {} hop {} mels {} slaney fmin 0 fmax {} power_to_db ref max "
                            "top_db {} frames {} pad -{}",
                            kRateHz, kNFft, kHopSamples, kSide, kRateHz / 2, kDynamicRangeDb, kSide, kDynamicRangeDb)),
            {}, kRateHz),
        stft_({kNFft, kHopSamples}),
        mel_({.sample_rate_hz = kRateHz, .n_fft = kNFft, .n_mels = kSide}) {
    for (std::size_t m = 1; m <= kSide; ++m) {
      for (std::size_t t = 1; t <= kSide; ++t) {
        columns_.push_back({"mel_db", "mel" + zero_padded(m, 3), "frame" + zero_padded(t, 3)});
      }
    }
  }

  Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const override {
    const std::vector<float>& samples = clip.at_rate(kRateHz).samples;
    if (samples.empty()) return too_short(clip.at_rate(kRateHz), 1);
    const auto& image = clip.once<std::vector<float>>(recipe().hash, [&](std::vector<float>& drawn) {
      drawn.resize(size());
      draw(samples, drawn, clip.memory<Mel224Scratch>());
    });
    std::ranges::copy(image, out.begin());
    return {};
  }

 private:
  void draw(std::span<const float> samples, std::span<float> image, Mel224Scratch& scratch) const {
    const std::size_t frames = std::min(kSide, stft_.frames(samples.size()));
    mel_spectrogram(samples, frames, scratch);

    power_to_db(scratch.mel);
    float loudest_db = scratch.mel[0];
    for (std::size_t m = 0; m < kSide; ++m) {
      for (std::size_t t = 0; t < frames; ++t) loudest_db = std::max(loudest_db, scratch.mel[m * kSide + t]);
    }
    for (std::size_t m = 0; m < kSide; ++m) {
      for (std::size_t t = 0; t < kSide; ++t) {
        const float db = t < frames ? scratch.mel[m * kSide + t] - loudest_db : -kDynamicRangeDb;
        image[m * kSide + t] = std::max(db, -kDynamicRangeDb);
      }
    }
  }

  void mel_spectrogram(std::span<const float> samples, std::size_t frames, Mel224Scratch& scratch) const {
    const std::size_t stride = aligned_stride(stft_.bins());
    scratch.power.resize(kTileFrames * stride);
    scratch.tile.resize(kTileFrames * stft_.bins());
    scratch.mel.resize(kSide * kSide);
    for (std::size_t first = 0; first < frames; first += kTileFrames) {
      stft_.power(samples, first, std::min(kTileFrames, frames - first), scratch.power.data(), stride, scratch.stft);
      transpose_to_tile(scratch.power.data(), stride, stft_.bins(), scratch.tile.data());
      mel_.apply(scratch.tile.data(), scratch.mel.data() + first, kSide);
    }
  }

  Stft stft_;
  MelFilterbank mel_;
};

static_assert(kSide % kTileFrames == 0, "the frames of the image fill whole blocks");

}  // namespace

FeatureSetDescriptor mel224_features() {
  return {.name = "mel224",
          .title = "mel-spectrogram image",
          .summary = "224 mel bands x 224 frames in dB below the loudest point of the first 30 s",
          .columns = kSide * kSide,
          .shape = "224 bands x 224 frames",
          .sample_rate_hz = kRateHz,
          .takes = "any length",
          .make = [] { return std::make_unique<Mel224>(); }};
}

}  // namespace genrewise
