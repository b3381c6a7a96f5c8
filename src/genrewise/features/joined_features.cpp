#include "genrewise/features/joined_features.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "genrewise/audio/waveform.hpp"
#include "genrewise/features/feature_set.hpp"

namespace genrewise {
namespace {

struct JoinedScratch final : FeatureSet::Scratch {
  std::vector<std::unique_ptr<Scratch>> parts;
};

class JoinedFeatures final : public FeatureSet {
 public:
  JoinedFeatures(std::string name, const std::vector<FeatureSetDescriptor>& parts) {
    std::string parameters;
    for (const FeatureSetDescriptor& part : parts) {
      const FeatureSet& set = *parts_.emplace_back(part.make());
      parameters += fmt::format("{} {} {};", set.recipe().name, set.recipe().version, set.recipe().hash);
      columns_.insert(columns_.end(), set.columns().begin(), set.columns().end());
    }
    recipe_ = make_recipe(std::move(name), 1, parameters);
  }

  const FeatureRecipe& recipe() const override { return recipe_; }
  const std::vector<FeatureColumn>& columns() const override { return columns_; }
  int sample_rate_hz() const override { return 0; }
  std::unique_ptr<Scratch> make_scratch() const override {
    auto scratch = std::make_unique<JoinedScratch>();
    for (const auto& part : parts_) scratch->parts.push_back(part->make_scratch());
    return scratch;
  }

  Expected<void> extract(const Waveform& clip, std::span<float> out, Scratch& any_scratch) const override {
    auto& scratch = static_cast<JoinedScratch&>(any_scratch);
    std::size_t at = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const FeatureSet& part = *parts_[i];
      const int rate_hz = part.sample_rate_hz();
      const std::span<float> own = out.subspan(at, part.size());
      Expected<void> done =
          rate_hz == 0 || rate_hz == clip.sample_rate_hz
              ? part.extract(clip, own, *scratch.parts[i])
              : part.extract({resample(clip.samples, clip.sample_rate_hz, rate_hz), rate_hz}, own, *scratch.parts[i]);
      if (!done) return done;
      at += part.size();
    }
    return {};
  }

 private:
  std::vector<std::unique_ptr<FeatureSet>> parts_;
  FeatureRecipe recipe_;
  std::vector<FeatureColumn> columns_;
};

}  // namespace

FeatureSetDescriptor joined_features(std::string name, std::string title, std::string summary,
                                     std::vector<FeatureSetDescriptor> parts) {
  FeatureSetDescriptor set{.name = name, .title = std::move(title), .summary = std::move(summary)};
  std::vector<std::string> takes;
  for (const FeatureSetDescriptor& part : parts) {
    set.columns += part.columns;
    takes.push_back(part.takes);
    for (const std::string& network : part.weights)
      if (std::ranges::find(set.weights, network) == set.weights.end()) set.weights.push_back(network);
  }
  set.takes = fmt::format("{}", fmt::join(takes, "; "));
  set.make = [name = std::move(name), parts = std::move(parts)] {
    return std::make_unique<JoinedFeatures>(name, parts);
  };
  return set;
}

}  // namespace genrewise
