/// @file
/// Compares models, from data to report: the job of `genrewise study`.
/// @code
/// Runtime runtime;
/// const StudyJobResult done = study_job({.data = {.location = "fma"}, .output = "runs/fma"}, runtime);
/// // done.result.models[*done.result.best].test.accuracy, runs/fma/report.html
/// @endcode
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/study/study.hpp"

namespace genrewise {

/// The preset of a study that names no models.
inline constexpr std::string_view kDefaultPreset = "default";

struct StudyJobConfig {
  DataSourceConfig data;
  SplitConfig split;
  std::vector<std::string> models;        ///< as for parse_models(); empty: those of `preset`
  std::string preset{kDefaultPreset};     ///< see study_presets(); not used if models are named
  std::optional<double> budget_min = {};  ///< minutes that a preset may take; empty: 30 for the default preset
  int seeds = 1;                          ///< repeats with the seeds seed, seed + 1, ...
  std::filesystem::path pack_to = {};     ///< location for the records of the networks' features
  std::size_t pca_components = 0;         ///< for every model that does not set it; 0: no PCA
  bool ablation = false;                  ///< also runs each feature alone and FMA's combinations
  int nested_folds = 0;                   ///< outer folds of nested cross-validation, at least 2; 0: none
  std::filesystem::path output;           ///< run folder
  bool replace = false;                   ///< replace the results of another run in the folder
  std::uint64_t seed = kDefaultSeed;
};

struct StudyJobResult {
  StudyResult result;
  nlohmann::json document;         ///< results.json
  std::vector<std::string> notes;  ///< caveats about the scores, and choices made for the caller
  std::vector<Fault> skipped;      ///< tracks that cannot be used
  std::filesystem::path report;    ///< report.html
};

/// Opens and splits the data, extracts missing features into the run folder, fits and evaluates every model and writes
/// the files of the run folder (docs/results_format.md). The preset original, and any study with `pack_to`, writes the
/// features of its networks as records too: to `pack_to`/SET, else RUN/records/SET. Continues an interrupted run. The
/// result of a model that cannot be fitted contains the error. Throws UnknownName for an unknown model or feature set,
/// Error for data, a split or a folder that cannot be used, Interrupted if the runtime is interrupted.
StudyJobResult study_job(const StudyJobConfig& config, Runtime& runtime);

/// The equivalent command line for a POSIX shell, which the results contain.
std::string command_line(const StudyJobConfig& config);

}  // namespace genrewise
