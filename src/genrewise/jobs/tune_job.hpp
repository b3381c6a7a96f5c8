// A search for hyper-parameters from data to report: what `genrewise tune` does.
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
  SplitConfig split;  ///< its test part stays unseen unless `include_test`
  std::string model;  ///< KIND[:NAME=VALUE...]; values are the same for all points, candidates are searched
  std::vector<std::string> parameters;  ///< NAME=VALUE, further fixed ones
  std::vector<std::string> grid;        ///< NAME=CANDIDATES each; their product is searched
  std::vector<std::string> presets;     ///< grids by name, see preset_grid()
  std::size_t random_points = 0;        ///< 0: the whole grid; else so many of its points
  int folds = TuningConfig{}.folds;
  SplitScheme fold_scheme = SplitScheme::grouped;  ///< or random
  bool include_test = false;                       ///< search on all examples
  std::filesystem::path output;                    ///< the run's folder
  bool replace = false;                            ///< start anew in a folder that holds the results of another run
  std::uint64_t seed = kDefaultSeed;
};

struct TuneJobResult {
  TuningConfig search;  ///< with the axes of presets
  TuningResult result;
  nlohmann::json document;              ///< tuning.json
  std::optional<TrainJobConfig> train;  ///< fits the best point; nothing where it uses a part of the features only
  std::vector<std::string> notes;
  std::vector<Fault> skipped;
  std::filesystem::path report;  ///< report.html
};

/// Searches by cross-validation and writes the folder's files (docs/results_format.md); continues after an
/// interruption. Points that cannot be fitted are noted. Throws as study_job() does, and Error for a search that makes
/// no sense or when every point failed.
TuneJobResult tune_job(const TuneJobConfig& config, Runtime& runtime);

/// The command line that does the same, in the words of a POSIX shell. Recorded in the results.
std::string command_line(const TuneJobConfig& config);

}  // namespace genrewise
