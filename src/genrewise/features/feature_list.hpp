// The list of feature sets that need no pretrained network. A new one is one line here, and one file that defines the
// function of that name, which returns its descriptor.
#pragma once

#include "genrewise/features/feature_set.hpp"

#define GENREWISE_FEATURE_SETS(ENTRY)   \
  ENTRY(fma518_features)                \
  ENTRY(frames_features)                \
  ENTRY(frames_by_coefficient_features) \
  ENTRY(mel224_features)                \
  ENTRY(mfcc_features)                  \
  ENTRY(music_features)                 \
  ENTRY(raw10k_features)

namespace genrewise {

#define GENREWISE_DECLARE(name) FeatureSetDescriptor name();
GENREWISE_FEATURE_SETS(GENREWISE_DECLARE)
#undef GENREWISE_DECLARE

/// Descriptors of this list. pretrained/feature_sets.hpp lists all feature sets and makes them by name.
std::vector<FeatureSetDescriptor> listed_feature_sets();

}  // namespace genrewise
