// Entries and results of a study as JSON: what a run folder keeps of each finished model.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/study/study.hpp"

namespace genrewise {

nlohmann::json to_json(const ModelSpec& spec);
/// `labels`: the genres' names. A model that could not be fitted has its names and "error" only.
nlohmann::json to_json(const ModelResult& result, const std::vector<std::string>& labels);
/// Reads to_json()'s document. Throws nlohmann::json::exception for any other.
ModelResult model_result_from_json(const nlohmann::json& document);

}  // namespace genrewise
