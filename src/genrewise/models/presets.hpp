// Presets: named models with their own parameters. Private to this module.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "genrewise/models/classifier.hpp"

namespace genrewise {

struct NamedPreset {
  const ClassifierDescriptor* classifier;
  ModelPreset preset;
};

/// Those of the classifiers, then FMA's baselines.
std::vector<NamedPreset> all_presets();
std::vector<NamedPreset> fma_presets();
std::optional<NamedPreset> find_preset(std::string_view name);

}  // namespace genrewise
