// Writes the result files of a run into its folder.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "genrewise/study/run_folder.hpp"

namespace genrewise {

/// Writes best.gwm, predictions.csv, report.html and finally results.json.
/// Each file appears once it is complete. `results`: document of results_json(). Throws Error if a file cannot be
/// written.
void write_study(const RunFolder& run, const Examples& examples, const Split& split, const StudyResult& result,
                 const nlohmann::json& results);

/// The model card of the best model (Mitchell et al., 2019), Markdown: what the model is and was trained on, its
/// genres, scores with intervals, limits and use. `results`: document of results_json() with a best model; members that
/// it lacks are left out. `sha256`: of the model file.
std::string model_card(const nlohmann::json& results, const std::string& sha256);

/// Writes tuning.csv, report.html and finally tuning.json. `document`: of tuning_json().
void write_tuning(const std::filesystem::path& folder, const nlohmann::json& results);

/// CSV with one line per point: varied parameters, accuracy, standard_error, log_loss, fit_s, predict_s, error.
std::string tuning_csv(const nlohmann::json& results);

}  // namespace genrewise
