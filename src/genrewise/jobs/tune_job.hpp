// Searches hyper-parameters, from data to report: the job of `genrewise tune`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/jobs/train_job.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {

struct TuneJobConfig {
  DataSourceConfig data;
  SplitConfig split;                    ///< its test part is not used unless `include_test`
  std::string model;                    ///< KIND[:NAME=VALUE...]; single values are fixed, candidates are searched
  std::vector<std::string> parameters;  ///< further fixed NAME=VALUE
  std::vector<std::string> grid;        ///< NAME=CANDIDATES each; the search covers their product
  std::vector<std::string> presets;     ///< names of grids, see preset_grid()
  std::size_t random_points = 0;        ///< 0: the whole grid; else a random sample of this size
  int folds = TuningConfig{}.folds;
  SplitScheme fold_scheme = SplitScheme::grouped;  ///< grouped or random
  bool include_test = false;                       ///< search on all examples
  std::filesystem::path output;                    ///< run folder
  bool replace = false;                            ///< replace the results of another run in the folder
  std::uint64_t seed = kDefaultSeed;
};

struct TuneJobResult {
  TuningConfig search;  ///< including the axes of presets
  TuningResult result;
  nlohmann::json document;              ///< tuning.json
  std::optional<TrainJobConfig> train;  ///< fits the best point; empty if it uses a subset of the features
  std::vector<std::string> notes;
  std::vector<Fault> skipped;
  std::filesystem::path report;  ///< report.html
};

/// Searches by cross-validation and writes the files of the run folder (docs/results_format.md). Continues an
/// interrupted run. Results of points that cannot be fitted contain the error. Throws as study_job() does, and Error
/// for an invalid search or if every point failed.
TuneJobResult tune_job(const TuneJobConfig& config, Runtime& runtime);

/// The equivalent command line for a POSIX shell, which the results contain.
std::string command_line(const TuneJobConfig& config);

}  // namespace genrewise
