// Every feature set of the program by its name: engineered ones (features/) and those of pretrained networks.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/features/feature_set.hpp"

namespace genrewise {

/// All feature sets, sorted by name. Listing them reads nothing.
const std::vector<NamedFeatureSet>& feature_sets();
std::vector<std::string> feature_set_names();

/// The feature set of that name. One of a pretrained network reads its weights (weights.hpp: find_weights). Throws
/// UnknownName that lists the names; Error where weights are missing, naming the command that fetches them.
std::unique_ptr<FeatureSet> make_feature_set(std::string_view name);

}  // namespace genrewise
