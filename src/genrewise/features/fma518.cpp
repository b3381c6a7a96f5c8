// fma518: the 518 numbers of the FMA data set's features.py (Defferrard et al., 2017), as librosa 0.11 computes them.
#include <fmt/format.h>

#include "genrewise/dsp/cqt.hpp"
#include "genrewise/dsp/tonality.hpp"
#include "genrewise/features/feature_list.hpp"
#include "genrewise/features/fma_columns.hpp"
#include "genrewise/features/frame_analysis.hpp"
#include "genrewise/features/statistics.hpp"

namespace genrewise {
namespace {

// features.py passes the true rate to the CQT and the mel filters only; the rest assumes librosa's default.
constexpr int kAssumedRateHz = 22050;
// features.py does not pass the bins per octave to the chroma functions; since librosa 0.8 they assume this number.
constexpr int kClaimedBinsPerOctave = 36;

// Series of the frame analysis, and of the chroma and tonnetz of the CQT.
enum Source : std::size_t { kFrames, kCqt };
constexpr std::size_t kCens = 0, kChromaCqt = kCens + kPitchClasses, kTonnetz = kChromaCqt + kPitchClasses,
                      kTonnetzSize = 6, kCqtRows = kTonnetz + kTonnetzSize;
constexpr SeriesRows kFeatures[] = {{"chroma_cens", kCqt, kCens, kPitchClasses},
                                    {"chroma_cqt", kCqt, kChromaCqt, kPitchClasses},
                                    {"chroma_stft", kFrames, FrameAnalysis::kChroma, kPitchClasses},
                                    {"mfcc", kFrames, FrameAnalysis::kMfcc, FrameAnalysis::kMfccs},
                                    {"rmse", kFrames, FrameAnalysis::kRms, 1},
                                    {"spectral_bandwidth", kFrames, FrameAnalysis::kBandwidth, 1},
                                    {"spectral_centroid", kFrames, FrameAnalysis::kCentroid, 1},
                                    {"spectral_contrast", kFrames, FrameAnalysis::kContrast, kContrastBands},
                                    {"spectral_rolloff", kFrames, FrameAnalysis::kRolloff, 1},
                                    {"tonnetz", kCqt, kTonnetz, kTonnetzSize},
                                    {"zcr", kFrames, FrameAnalysis::kZcr, 1}};

struct Fma518Scratch {
  Matrix chroma, centroid;
  Series cqt_series;
  std::vector<std::int32_t> keys;
};

class Fma518 final : public StoredFeatureSet {
 public:
  Fma518()
      : StoredFeatureSet(
            make_recipe("fma518", 1,
                        "FMA features.py as with librosa 0.11: n_fft 2048 hop 512 native rate, cqt 84 bins from C1, "
                        "tuning estimated, chroma of 36 bins per octave, S= features at 22050 Hz, constant: skew 0 "
                        "kurtosis -3"),
            fma_columns()),
        analysis_({.pitch_rate_hz = kAssumedRateHz}) {}

  Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const override {
    const Waveform& wave = clip.waveform();
    if (wave.samples.empty()) return too_short(wave, 1);
    if (wave.sample_rate_hz < Cqt::minimum_sample_rate_hz()) {
      return tl::unexpected(
          Fault{"wrong sample rate",
                {},
                fmt::format("{} Hz, but the seven octaves of the constant-Q transform need at least {} Hz",
                            wave.sample_rate_hz, Cqt::minimum_sample_rate_hz())});
    }
    auto& scratch = clip.memory<Fma518Scratch>();
    const FrameFeatures frames = analysis_.process(clip);
    cqt_features(constant_q(clip, frames.cqt_tuning), scratch);
    write_statistics(kFeatures, {&frames.series, &scratch.cqt_series}, scratch.keys, out.data());
    return {};
  }

 private:
  static void cqt_features(const Matrix& magnitudes, Fma518Scratch& scratch) {
    scratch.cqt_series.resize(kCqtRows, magnitudes.rows());
    chroma_cqt(magnitudes, kClaimedBinsPerOctave, scratch.chroma);
    copy_transposed(scratch.chroma, scratch.cqt_series, kChromaCqt);
    chroma_cens(magnitudes, kClaimedBinsPerOctave, scratch.chroma);
    copy_transposed(scratch.chroma, scratch.cqt_series, kCens);
    tonnetz(scratch.chroma, scratch.centroid);
    copy_transposed(scratch.centroid, scratch.cqt_series, kTonnetz);
  }

  FrameAnalysis analysis_;
};

}  // namespace

const std::vector<FeatureColumn>& fma_columns() {
  static const std::vector<FeatureColumn> columns = statistics_columns(kFeatures);
  return columns;
}

FeatureSetDescriptor fma518_features() {
  return {
      .name = "fma518",
      .title = "statistics of FMA's features.py",
      .summary = "chroma, tonnetz, MFCC, RMS, zero crossings and spectral shape over time: seven statistics of each",
      .columns = fma_columns().size(),
      .shape = "",
      .takes = "any rate from 8,486 Hz, any length",
      .make = [] { return std::make_unique<Fma518>(); }};
}

}  // namespace genrewise
