// Every feature set by its name: engineered ones (features/) and those of pretrained networks.
//
//     const auto set = make_feature_set("audiotag");
//     const Expected<void> done = set->extract(clip, row);  // row: set->size() values
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/features/feature_set.hpp"

namespace genrewise {

/// All feature sets, sorted by name. Reads no files.
const std::vector<FeatureSetDescriptor>& feature_sets();
std::vector<std::string> feature_set_names();
/// Throws UnknownName that lists the names.
const FeatureSetDescriptor& feature_set_descriptor(std::string_view name);

/// The feature set of that name; one of a pretrained network loads its weights (find_weights() in weights.hpp). Throws
/// UnknownName that lists the names; Error where weights are missing, naming the command that fetches them.
std::unique_ptr<FeatureSet> make_feature_set(std::string_view name);
/// Those of a list "A,B". Throws UsageError for a name that is there twice.
std::vector<std::unique_ptr<FeatureSet>> make_feature_sets(std::string_view list);

/// {"name", "title", "summary", "columns", "shape", "sample_rate_hz", "takes", "weights"}; rate 0: the file's own.
nlohmann::json to_json(const FeatureSetDescriptor& set);
/// The table of docs/features.md.
std::string feature_sets_markdown();

}  // namespace genrewise
