// JSON of scores and metrics, as in results.json and `--json` (docs/results_format.md).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/evaluation/metrics.hpp"

namespace genrewise {

/// {"value", "low", "high", "n"}.
nlohmann::json to_json(const Score& score);
/// Throws nlohmann::json::exception for any other document, as does metrics_from_json().
Score score_from_json(const nlohmann::json& document);

/// `labels`: genre names, in the order of the genres of the metrics.
nlohmann::json to_json(const Metrics& metrics, const std::vector<std::string>& labels);
Metrics metrics_from_json(const nlohmann::json& document);

}  // namespace genrewise
