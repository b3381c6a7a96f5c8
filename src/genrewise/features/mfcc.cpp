// mfcc: the 140 MFCC statistics of the FMA data set's features.py (Defferrard et al., 2017), a part of fma518.
#include "genrewise/features/feature_list.hpp"
#include "genrewise/features/frame_analysis.hpp"
#include "genrewise/features/statistics.hpp"

namespace genrewise {
namespace {

constexpr SeriesRows kFeatures[] = {{"mfcc", 0, FrameAnalysis::kMfcc, FrameAnalysis::kMfccs}};

class Mfcc final : public StoredFeatureSet {
 public:
  Mfcc()
      : StoredFeatureSet(
            make_recipe("mfcc", 1,
                        "20 MFCC of 128 mels, n_fft 2048 hop 512 native rate, as fma518: seven statistics over "
                        "time, constant: skew 0 kurtosis -3"),
            statistics_columns(kFeatures)),
        analysis_({.contrast = false, .cqt_tuning = false, .chroma = false}) {}

  Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const override {
    if (clip.waveform().samples.empty()) return too_short(clip.waveform(), 1);
    std::vector<std::int32_t> keys;
    write_statistics(kFeatures, {&analysis_.process(clip).series}, keys, out.data());
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
