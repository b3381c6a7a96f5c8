// raw10k: the first 10,000 samples as they are, for networks that work on the waveform.
#include <fmt/format.h>

#include <algorithm>

#include "genrewise/features/feature_list.hpp"
#include "genrewise/features/recipe.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kSamples = 10000;

class Raw10k final : public FeatureSet {
 public:
  Raw10k() : recipe_(make_recipe("raw10k", 1, fmt::format("first {} samples, mono, native rate", kSamples))) {
    for (std::size_t i = 1; i <= kSamples; ++i) columns_.push_back({"sample", "value", zero_padded(i, 5)});
  }
  const FeatureRecipe& recipe() const override { return recipe_; }
  const std::vector<FeatureColumn>& columns() const override { return columns_; }
  int sample_rate_hz() const override { return 0; }
  std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<Scratch>(); }

  Expected<void> extract(const Waveform& clip, std::span<float> out, Scratch&) const override {
    if (clip.samples.size() < kSamples) return too_short(clip, kSamples);
    std::copy_n(clip.samples.begin(), kSamples, out.begin());
    return {};
  }

 private:
  FeatureRecipe recipe_;
  std::vector<FeatureColumn> columns_;
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
