// JSON of scores and metrics, as in results.json and `--json` (docs/results_format.md).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/evaluation/metrics.hpp"

namespace genrewise {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Score, value, low, high, n)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(GroupedInterval, low, high, groups)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(GenreScore, examples, predicted, hits, precision, recall, f1)

/// `labels`: genre names, in the order of the genres of the metrics.
nlohmann::json to_json(const Metrics& metrics, const std::vector<std::string>& labels);
/// Throws nlohmann::json::exception for any other document.
Metrics metrics_from_json(const nlohmann::json& document);

}  // namespace genrewise
