// raw10k: the first 10,000 samples as they are, for networks that work on the waveform.
#include <fmt/format.h>

#include <algorithm>

#include "genrewise/features/feature_list.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kSamples = 10000;

class Raw10k final : public StoredFeatureSet {
 public:
  Raw10k() : StoredFeatureSet(make_recipe("raw10k", 1, fmt::format("first {} samples, mono, native rate", kSamples))) {
    for (std::size_t i = 1; i <= kSamples; ++i) columns_.push_back({"sample", "value", zero_padded(i, 5)});
  }

  Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const override {
    const Waveform& wave = clip.waveform();
    if (wave.samples.size() < kSamples) return too_short(wave, kSamples);
    std::copy_n(wave.samples.begin(), kSamples, out.begin());
    return {};
  }
};

}  // namespace

FeatureSetDescriptor raw10k_features() {
  return {.name = "raw10k",
          .title = "raw samples",
          .summary = "the first 10,000 samples, one channel, for networks that work on the waveform",
          .columns = kSamples,
          .shape = "10,000 samples",
          .takes = "at least 10,000 samples",
          .make = [] { return std::make_unique<Raw10k>(); }};
}

}  // namespace genrewise
