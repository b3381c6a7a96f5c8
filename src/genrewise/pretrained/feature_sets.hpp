// Every feature set of the program by its name: engineered ones (features/) and those of pretrained networks.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/features/feature_descriptor.hpp"

namespace genrewise {

/// All feature sets, sorted by name. Listing them reads nothing.
const std::vector<FeatureSetDescriptor>& feature_sets();
std::vector<std::string> feature_set_names();
/// Throws UnknownName that lists the names.
const FeatureSetDescriptor& feature_set_descriptor(std::string_view name);

/// The feature set of that name. One of a pretrained network reads its weights (weights.hpp: find_weights). Throws
/// UnknownName that lists the names; Error where weights are missing, naming the command that fetches them.
std::unique_ptr<FeatureSet> make_feature_set(std::string_view name);

/// {"name", "title", "summary", "columns", "shape", "sample_rate_hz", "takes", "weights"}; rate 0: the file's own.
nlohmann::json to_json(const FeatureSetDescriptor& set);
/// The table of docs/features.md.
std::string feature_sets_markdown();

}  // namespace genrewise
