// The fits of a parameter search: every point on every fold.
#pragma once

#include <vector>

#include "genrewise/study/tuning.hpp"

namespace genrewise {

/// scores[point][fold]; what the store has is taken from there, and each other score goes there when it is known. The
/// configuration and the points must be sound.
std::vector<std::vector<FoldScore>> score_on_folds(const Examples& examples, const TuningConfig& config,
                                                   const std::vector<Parameters>& points, Progress& progress,
                                                   const TuningStore& store);

}  // namespace genrewise
