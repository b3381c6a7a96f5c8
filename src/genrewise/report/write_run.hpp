// The result files of a run, written into its folder.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "genrewise/study/run_folder.hpp"

namespace genrewise {

/// best.gwm, predictions.csv, ablation.csv where `results` has an ablation, report.html and, last, results.json, each
/// only when it is complete. `results` is results_json()'s document. Throws Error when one cannot be written.
void write_study(const RunFolder& run, const Examples& examples, const Split& split, const StudyResult& result,
                 const nlohmann::json& results);

/// tuning.csv, report.html and, last, tuning.json of tuning_json()'s document.
void write_tuning(const std::filesystem::path& folder, const nlohmann::json& results);

/// One line per point: the varied parameters, accuracy, standard_error, log_loss, fit_s, predict_s, error.
std::string tuning_csv(const nlohmann::json& results);

}  // namespace genrewise
