// JSON of the model specifications and results of a study, as stored in a run folder for each finished model.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/study/study.hpp"

namespace genrewise {

nlohmann::json to_json(const ModelSpec& spec);
/// `labels`: genre names. A model that could not be fitted has only its names and "error".
nlohmann::json to_json(const ModelResult& result, const std::vector<std::string>& labels);
/// Reads a document of to_json(). Throws nlohmann::json::exception for any other document.
ModelResult model_result_from_json(const nlohmann::json& document);

}  // namespace genrewise
