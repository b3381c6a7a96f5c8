// The 518 columns of FMA's features.csv. Private to this module.
#pragma once

#include <vector>

#include "genrewise/features/feature_set.hpp"

namespace genrewise {

/// Sorted by feature, statistic and number, as pandas sorts them.
const std::vector<FeatureColumn>& fma_columns();

}  // namespace genrewise
