// A comparison of models from data to report: what `genrewise study` does.
//
//     Runtime runtime;
//     const StudyJobResult done = study_job({.data = {.location = "fma"}, .output = "runs/fma"}, runtime);
//     // done.result.models[*done.result.best].test.accuracy, runs/fma/report.html
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/study/ablation.hpp"
#include "genrewise/study/study.hpp"

namespace genrewise {

struct StudyJobConfig {
  DataSourceConfig data;
  SplitConfig split;
  std::vector<std::string> models;  ///< as parse_models() reads them; empty: default_models()
  std::size_t pca_components = 0;   ///< before every model that names no other number; 0: no PCA
  bool ablation = false;            ///< also each feature alone and FMA's combinations
  std::filesystem::path output;     ///< the run's folder
  bool replace = false;             ///< start anew in a folder that holds the results of another run
  std::uint64_t seed = kDefaultSeed;
};

struct StudyJobResult {
  StudyResult result;
  std::vector<AblationRow> ablation;
  nlohmann::json document;         ///< results.json
  std::vector<std::string> notes;  ///< what limits the trust in the scores, and choices made for the caller
  std::vector<Fault> skipped;      ///< tracks that could not be used
  std::filesystem::path report;    ///< report.html
};

/// Opens the data, splits it, extracts what is missing into the run's folder, fits and evaluates every model and writes
/// the folder's files (docs/results_format.md). Started again after an interruption it continues where it was. A model
/// that cannot be fitted is noted in its result. Throws UnknownName for a model or feature set that does not exist,
/// Error for data, a split or a folder that cannot be used, Interrupted when the runtime is interrupted.
StudyJobResult study_job(const StudyJobConfig& config, Runtime& runtime);

/// The command line that does the same, in the words of a POSIX shell. Recorded in the results.
std::string command_line(const StudyJobConfig& config);

}  // namespace genrewise
