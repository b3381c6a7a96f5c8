// The model card of a study's best model (Mitchell et al., 2019).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace genrewise {

/// Markdown: what the model is and was trained on, its genres, scores with intervals, limits and use. `results`:
/// document of results_json() with a best model; members that it lacks are left out. `sha256`: of the model file.
std::string model_card(const nlohmann::json& results, const std::string& sha256);

}  // namespace genrewise
