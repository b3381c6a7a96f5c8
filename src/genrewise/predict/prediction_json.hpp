// Predictions as JSON, as `genrewise predict --json` prints them and the server sends them.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "genrewise/predict/predict.hpp"

namespace genrewise {

/// [{"genre", "confidence"}] of the `top` most probable labels, best first.
nlohmann::json genres_json(std::span<const float> probabilities, std::span<const std::string> labels, std::size_t top);
/// {"duration_s", "genres", "unknown", "novelty", "windows": [{"start_s", "duration_s", "genres"}]}.
nlohmann::json prediction_json(const Prediction& prediction, std::span<const std::string> labels, std::size_t top);

}  // namespace genrewise
