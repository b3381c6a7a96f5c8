// Caveats about the scores of a study or a search.
#pragma once

#include <string>
#include <vector>

#include "genrewise/study/study.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {

/// Sentences about the limits of the scores: few artists, wide intervals, leakage, absent genres.
std::vector<std::string> caveats(const Examples& examples, const Split& split, const StudyResult& result);
/// The same for a search: the optimism of the best score, and the points that could not be fitted.
std::vector<std::string> caveats(const TuningResult& result);

}  // namespace genrewise
