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
/// The classifiers of the FMA dataset's baselines.ipynb (Defferrard et al. 2017).
std::vector<NamedPreset> fma_presets();
std::optional<NamedPreset> find_preset(std::string_view name);

}  // namespace genrewise
