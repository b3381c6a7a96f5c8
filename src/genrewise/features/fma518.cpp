// fma518: the 518 numbers of the FMA data set's features.py (Defferrard et al., 2017), as librosa 0.11 computes them.
#include <fmt/format.h>

#include "genrewise/dsp/cqt.hpp"
#include "genrewise/dsp/tonality.hpp"
#include "genrewise/features/feature_list.hpp"
#include "genrewise/features/fma_columns.hpp"
#include "genrewise/features/frame_analysis.hpp"
#include "genrewise/features/recipe.hpp"
#include "genrewise/features/statistics.hpp"

namespace genrewise {
namespace {

// features.py passes the true rate to the CQT and the mel filters only; the rest assumes librosa's default.
constexpr int kAssumedRateHz = 22050;
// features.py does not pass the bins per octave to the chroma functions; since librosa 0.8 they assume this number.
constexpr int kClaimedBinsPerOctave = 36;

// Source of each feature of the table: rows of the frame analysis, or of the chroma and tonnetz of the CQT.
enum class Source { frames, cqt };
struct Feature {
  const char* name;
  Source source;
  std::size_t first_row, rows;
};
constexpr std::size_t kCens = 0, kChromaCqt = kCens + kPitchClasses, kTonnetz = kChromaCqt + kPitchClasses,
                      kTonnetzSize = 6, kCqtRows = kTonnetz + kTonnetzSize;
constexpr Feature kFeatures[] = {{"chroma_cens", Source::cqt, kCens, kPitchClasses},
                                 {"chroma_cqt", Source::cqt, kChromaCqt, kPitchClasses},
                                 {"chroma_stft", Source::frames, FrameAnalysis::kChroma, kPitchClasses},
                                 {"mfcc", Source::frames, FrameAnalysis::kMfcc, FrameAnalysis::kMfccs},
                                 {"rmse", Source::frames, FrameAnalysis::kRms, 1},
                                 {"spectral_bandwidth", Source::frames, FrameAnalysis::kBandwidth, 1},
                                 {"spectral_centroid", Source::frames, FrameAnalysis::kCentroid, 1},
                                 {"spectral_contrast", Source::frames, FrameAnalysis::kContrast, kContrastBands},
                                 {"spectral_rolloff", Source::frames, FrameAnalysis::kRolloff, 1},
                                 {"tonnetz", Source::cqt, kTonnetz, kTonnetzSize},
                                 {"zcr", Source::frames, FrameAnalysis::kZcr, 1}};

struct Fma518Scratch final : FeatureSet::Scratch {
  FrameAnalysis::Scratch analysis;
  Cqt::Scratch cqt;
  Matrix magnitudes, chroma, centroid;
  Series cqt_series;
  std::vector<std::int32_t> keys;
};

class Fma518 final : public FeatureSet {
 public:
  Fma518()
      : recipe_(
            make_recipe("fma518", 1,
                        "FMA features.py as with librosa 0.11: n_fft 2048 hop 512 native rate, cqt 84 bins from C1, "
                        "tuning estimated, chroma of 36 bins per octave, S= features at 22050 Hz, constant: skew 0 "
                        "kurtosis -3")),
        analysis_({.pitch_rate_hz = kAssumedRateHz}) {}

  const FeatureRecipe& recipe() const override { return recipe_; }
  const std::vector<FeatureColumn>& columns() const override { return fma_columns(); }
  int sample_rate_hz() const override { return 0; }
  std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<Fma518Scratch>(); }

  Expected<void> extract(const Waveform& clip, std::span<float> out, Scratch& any_scratch) const override {
    if (clip.samples.empty()) return too_short(clip, 1);
    if (clip.sample_rate_hz < Cqt::minimum_sample_rate_hz()) {
      return tl::unexpected(
          Fault{"wrong sample rate",
                {},
                fmt::format("{} Hz, but the seven octaves of the constant-Q transform need at least {} Hz",
                            clip.sample_rate_hz, Cqt::minimum_sample_rate_hz())});
    }
    auto& scratch = static_cast<Fma518Scratch&>(any_scratch);
    analysis_.process(clip.samples, clip.sample_rate_hz, scratch.analysis);
    cqt_features(clip, scratch);
    for (const Feature& feature : kFeatures) {
      Series& series = feature.source == Source::frames ? scratch.analysis.series : scratch.cqt_series;
      write_statistics(series, feature.first_row, feature.rows, scratch.keys, out);
      out = out.subspan(std::size(kStatistics) * feature.rows);
    }
    return {};
  }

 private:
  void cqt_features(const Waveform& clip, Fma518Scratch& scratch) const {
    cqt(clip.sample_rate_hz).process(clip.samples, scratch.analysis.cqt_tuning, scratch.magnitudes, scratch.cqt);
    scratch.cqt_series.resize(kCqtRows, scratch.magnitudes.rows());
    chroma_cqt(scratch.magnitudes, kClaimedBinsPerOctave, scratch.chroma);
    copy_transposed(scratch.chroma, scratch.cqt_series, kChromaCqt);
    chroma_cens(scratch.magnitudes, kClaimedBinsPerOctave, scratch.chroma);
    copy_transposed(scratch.chroma, scratch.cqt_series, kCens);
    tonnetz(scratch.chroma, scratch.centroid);
    copy_transposed(scratch.centroid, scratch.cqt_series, kTonnetz);
  }

  const Cqt& cqt(int sample_rate_hz) const {
    const std::lock_guard lock(cache_mutex_);
    auto& cached = cqts_[sample_rate_hz];
    if (!cached) cached = std::make_unique<Cqt>(CqtConfig{.sample_rate_hz = sample_rate_hz});
    return *cached;
  }

  FeatureRecipe recipe_;
  FrameAnalysis analysis_;
  mutable std::mutex cache_mutex_;
  mutable std::map<int, std::unique_ptr<const Cqt>> cqts_;
};

}  // namespace

const std::vector<FeatureColumn>& fma_columns() {
  static const std::vector<FeatureColumn> columns = [] {
    std::vector<FeatureColumn> all;
    for (const Feature& feature : kFeatures) append_columns(feature.name, feature.rows, all);
    return all;
  }();
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
