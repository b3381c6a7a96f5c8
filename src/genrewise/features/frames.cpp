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
                           {"spectral_rolloff", FrameAnalysis::kOffsetRolloff, 1}};

constexpr std::size_t kRows = FrameAnalysis::kMfccs + kPitchClasses + 3;

// Scale of scikit-learn's StandardScaler: mean 0 and (population) standard deviation 1; constant values become 0.
double scale_of(double mean, double squares, std::size_t count) {
  const double deviation = std::sqrt(squares / static_cast<double>(count));
  return deviation > 1e-7 * std::abs(mean) ? 1 / deviation : 0;
}

void standardise(std::span<float> values) {
  double sum = 0, squares = 0;
  for (const float value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  for (const float value : values) squares += (value - mean) * (value - mean);
  const double scale = scale_of(mean, squares, values.size());
  for (float& value : values) value = static_cast<float>((value - mean) * scale);
}

// Each frame over `rows` rows, kFrames apart: several frames at once, which lie side by side.
void standardise_frames(float* values, std::size_t rows, std::size_t frames) {
  constexpr std::size_t kBlock = 64;
  for (std::size_t first = 0; first < frames; first += kBlock) {
    const std::size_t count = std::min(kBlock, frames - first);
    double sum[kBlock] = {}, squares[kBlock] = {}, mean[kBlock], scale[kBlock];
    const auto each = [&](const auto& use) {
      for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t i = 0; i < count; ++i) use(i, values[row * kFrames + first + i]);
    };
    each([&](std::size_t i, float value) { sum[i] += value; });
    for (std::size_t i = 0; i < count; ++i) mean[i] = sum[i] / static_cast<double>(rows);
    each([&](std::size_t i, float value) { squares[i] += (value - mean[i]) * (value - mean[i]); });
    for (std::size_t i = 0; i < count; ++i) scale[i] = scale_of(mean[i], squares[i], rows);
    each([&](std::size_t i, float& value) { value = static_cast<float>((value - mean[i]) * scale[i]); });
  }
}

class Frames final : public StoredFeatureSet {
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

  Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const override {
    if (analysis_.frames(clip.waveform().samples.size()) < kFewestFrames)
      return too_short(clip.waveform(), (kFewestFrames - 1) * kHopSamples);
    Series& series = analysis_.process(clip).series;
    const std::size_t frames = std::min(kFrames, series.frames());
    float* values = out.data();
    for (const Part& part : kParts) {
      for (std::size_t row = 0; row < part.rows; ++row) {
        const float* from = series.data(part.first_row + row);
        std::fill(std::copy_n(from, frames, values + row * kFrames), values + (row + 1) * kFrames, 0.0f);
      }
      if (part.rows > 1 && !by_coefficient_) {
        standardise_frames(values, part.rows, frames);
      } else {
        for (std::size_t row = 0; row < part.rows; ++row) standardise({values + row * kFrames, frames});
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
