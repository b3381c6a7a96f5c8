// mfcc: the 140 MFCC statistics of the FMA data set's features.py (Defferrard et al., 2017), a part of fma518.
#include "genrewise/features/feature_list.hpp"
#include "genrewise/features/frame_analysis.hpp"
#include "genrewise/features/statistics.hpp"

namespace genrewise {
namespace {

struct MfccScratch final : FeatureSet::Scratch {
  FrameAnalysis::Scratch analysis;
  std::vector<std::int32_t> keys;
};

constexpr SeriesRows kFeatures[] = {{"mfcc", 0, FrameAnalysis::kMfcc, FrameAnalysis::kMfccs}};

class Mfcc final : public StoredFeatureSet<MfccScratch> {
 public:
  Mfcc()
      : StoredFeatureSet(
            make_recipe("mfcc", 1,
                        "20 MFCC of 128 mels, n_fft 2048 hop 512 native rate, as fma518: seven statistics over "
                        "time, constant: skew 0 kurtosis -3"),
            statistics_columns(kFeatures)),
        analysis_({.contrast = false, .cqt_tuning = false, .chroma = false}) {}

  Expected<void> extract(const Waveform& clip, std::span<float> out, Scratch& any_scratch) const override {
    if (clip.samples.empty()) return too_short(clip, 1);
    auto& scratch = static_cast<MfccScratch&>(any_scratch);
    analysis_.process(clip.samples, clip.sample_rate_hz, scratch.analysis);
    write_statistics(kFeatures, {&scratch.analysis.series}, scratch.keys, out.data());
    return {};
  }

 private:
  FrameAnalysis analysis_;
};

}  // namespace

FeatureSetDescriptor mfcc_features() {
  return {.name = "mfcc",
          .title = "MFCC statistics",
          .summary = "20 mel-frequency cepstral coefficients over time: seven statistics of each, as in fma518",
          .columns = std::size_t{FrameAnalysis::kMfccs} * std::size(kStatistics),
          .shape = "",
          .takes = "any rate, any length",
          .make = [] { return std::make_unique<Mfcc>(); }};
}

}  // namespace genrewise
