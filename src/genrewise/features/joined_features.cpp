#include "genrewise/features/joined_features.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "genrewise/features/feature_set.hpp"

namespace genrewise {
namespace {

class JoinedFeatures final : public StoredFeatureSet {
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

  Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const override {
    for (std::size_t at = 0; const auto& part : parts_) {
      if (Expected<void> done = part->extract(clip, out.subspan(at, part->size())); !done) return done;
      at += part->size();
    }
    return {};
  }

 private:
  std::vector<std::unique_ptr<FeatureSet>> parts_;
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
