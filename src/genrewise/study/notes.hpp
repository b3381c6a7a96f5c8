// What limits the trust in a study's scores.
#pragma once

#include <string>
#include <vector>

#include "genrewise/study/study.hpp"

namespace genrewise {

/// Sentences for a person who is about to believe the scores: few artists, wide intervals, leakage, absent genres.
std::vector<std::string> honest_notes(const Examples& examples, const Split& split, const StudyResult& result);

}  // namespace genrewise
