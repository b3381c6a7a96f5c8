// What limits the trust in the scores of a study or a search.
#pragma once

#include <string>
#include <vector>

#include "genrewise/study/study.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {

/// Sentences for a person who is about to believe the scores: few artists, wide intervals, leakage, absent genres.
std::vector<std::string> honest_notes(const Examples& examples, const Split& split, const StudyResult& result);
/// The same for a search: how much the best score flatters, and which points could not be fitted.
std::vector<std::string> honest_notes(const TuningResult& result);

}  // namespace genrewise
