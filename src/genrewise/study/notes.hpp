// Caveats about the scores of a study or a search.
#pragma once

#include <string>
#include <vector>

#include "genrewise/study/study.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {

/// Sentences about the limits of the scores: few artists, wide intervals, leakage, absent genres.
std::vector<std::string> caveats(const Examples& examples, const Split& split, const StudyResult& result);
/// The first names, joined by commas, and how many more there are.
std::string listed(const std::vector<std::string>& names);
/// Why the best model is not the one with the highest test accuracy; empty if it is.
std::string best_note(const StudyResult& result);
/// A remark on a log loss above that of equal probabilities, ln(genres); else empty.
std::string log_loss_remark(const ModelResult& model);

/// Caveats of a search: the optimism of the best score, and the points that could not be fitted.
std::vector<std::string> caveats(const TuningResult& result);

}  // namespace genrewise
