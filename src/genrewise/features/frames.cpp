// frames: input of the study's classical classifiers, all frames of a clip in one flat vector.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genrewise/features/feature_list.hpp"
#include "genrewise/features/frame_analysis.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kFrames = 2582, kFewestFrames = 2500, kHopSamples = 512;
constexpr float kRolloffOffset = 0.01f;

struct Part {
  const char* feature;
  std::size_t first_row, rows;
};
constexpr Part kParts[] = {{"mfcc", FrameAnalysis::kMfcc, FrameAnalysis::kMfccs},
                           {"chroma_stft", FrameAnalysis::kChroma, kPitchClasses},
                           {"zcr", FrameAnalysis::kZcr, 1},
                           {"spectral_centroid", FrameAnalysis::kCentroid, 1},
                           {"spectral_rolloff", FrameAnalysis::kRolloff, 1}};

constexpr std::size_t kRows = FrameAnalysis::kMfccs + kPitchClasses + 3;

// As scikit-learn's StandardScaler: mean 0 and (population) standard deviation 1; constant values become 0. `count`
// values, `step` apart.
void standardise(float* values, std::size_t count, std::size_t step) {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < count; ++i) sum += values[i * step];
  const double mean = sum / static_cast<double>(count);
  for (std::size_t i = 0; i < count; ++i) squares += std::pow(values[i * step] - mean, 2);
  const double deviation = std::sqrt(squares / static_cast<double>(count));
  const double scale = deviation > 1e-7 * std::abs(mean) ? 1 / deviation : 0;
  for (std::size_t i = 0; i < count; ++i) values[i * step] = static_cast<float>((values[i * step] - mean) * scale);
}

struct FramesScratch final : FeatureSet::Scratch {
  FrameAnalysis::Scratch analysis;
};

class Frames final : public StoredFeatureSet<FramesScratch> {
 public:
  explicit Frames(bool by_coefficient)
      : StoredFeatureSet(make_recipe(
            by_coefficient ? "frames_by_coefficient" : "frames", 1,
            fmt::format(
                "n_fft 2048 hop {} native rate; mfcc 20 of 128 mels, chroma_stft 12, zcr, centroid, rolloff "
                ".85 of signal + {}; first {} frames, at least {}, zeros behind; standardised {}",
                kHopSamples, kRolloffOffset, kFrames, kFewestFrames,
                by_coefficient ? "each row over time" : "mfcc and chroma each frame over rows, others over time"))),
        by_coefficient_(by_coefficient),
        analysis_({.pitch_rate_hz = 0, .contrast = false, .cqt_tuning = false, .rolloff_offset = kRolloffOffset}) {
    for (const Part& part : kParts) {
      for (std::size_t row = 1; row <= part.rows; ++row) {
        for (std::size_t frame = 1; frame <= kFrames; ++frame) {
          columns_.push_back({part.feature, "frame" + zero_padded(frame, 4), zero_padded(row, 2)});
        }
      }
    }
  }

  Expected<void> extract(const Waveform& clip, std::span<float> out, Scratch& any_scratch) const override {
    if (analysis_.frames(clip.samples.size()) < kFewestFrames) {
      return too_short(clip, (kFewestFrames - 1) * kHopSamples);
    }
    auto& scratch = static_cast<FramesScratch&>(any_scratch).analysis;
    analysis_.process(clip.samples, clip.sample_rate_hz, scratch);
    const std::size_t frames = std::min(kFrames, scratch.series.frames());
    float* values = out.data();
    for (const Part& part : kParts) {
      for (std::size_t row = 0; row < part.rows; ++row) {
        const float* from = scratch.series.data(part.first_row + row);
        std::fill(std::copy_n(from, frames, values + row * kFrames), values + (row + 1) * kFrames, 0.0f);
      }
      if (part.rows > 1 && !by_coefficient_) {
        for (std::size_t frame = 0; frame < frames; ++frame) standardise(values + frame, part.rows, kFrames);
      } else {
        for (std::size_t row = 0; row < part.rows; ++row) standardise(values + row * kFrames, frames, 1);
      }
      values += part.rows * kFrames;
    }
    return {};
  }

 private:
  bool by_coefficient_;
  FrameAnalysis analysis_;
};

}  // namespace

FeatureSetDescriptor frames_features() {
  return {.name = "frames",
          .title = "the study's flat vector of frames",
          .summary =
              "MFCC, chroma, zero crossings, centroid and roll-off of 2,582 frames; MFCC and chroma standardised "
              "within each frame",
          .columns = kRows * kFrames,
          .shape = "35 rows x 2,582 frames",
          .takes = "at least 2,500 frames",
          .make = [] { return std::make_unique<Frames>(false); }};
}

FeatureSetDescriptor frames_by_coefficient_features() {
  FeatureSetDescriptor set = frames_features();
  set.name = "frames_by_coefficient";
  set.title = "frames, standardised over time";
  set.summary =
      "MFCC, chroma, zero crossings, centroid and roll-off of 2,582 frames; each coefficient standardised over "
      "time";
  set.make = [] { return std::make_unique<Frames>(true); };
  return set;
}

}  // namespace genrewise
