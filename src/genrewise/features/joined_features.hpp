/// @file
/// Several feature sets of one clip, one after another.
/// @code
/// const FeatureSetDescriptor both = joined_features("both", "MFCC and music", "...", {mfcc_features(),
/// music_features()});
/// @endcode
#pragma once

#include <string>
#include <vector>

#include "genrewise/features/feature_set.hpp"

namespace genrewise {

/// A feature set whose columns are those of the parts, in order, with the parts' own values. The recipe covers the
/// recipes of the parts. Its faults are those of the first part that has one.
FeatureSetDescriptor joined_features(std::string name, std::string title, std::string summary,
                                     std::vector<FeatureSetDescriptor> parts);

}  // namespace genrewise
