// The fits of a hyper-parameter search: every point on every fold.
#pragma once

#include <vector>

#include "genrewise/study/tuning.hpp"

namespace genrewise {

/// Returns scores[point][fold]. Takes scores from the store if it has them, and stores each new score. Configuration
/// and points must be valid.
std::vector<std::vector<FoldScore>> score_on_folds(const Examples& examples, const TuningConfig& config,
                                                   const std::vector<Parameters>& points, Progress& progress,
                                                   const TuningStore& store);

}  // namespace genrewise
