// A saved model on labelled data: what `genrewise evaluate` does.
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
#include "genrewise/evaluation/evaluation.hpp"

namespace genrewise {

struct EvaluateJobConfig {
  std::filesystem::path model;  ///< a .gwm file
  DataSourceConfig data;        ///< features that are not named are the model's
  SplitConfig split;            ///< where `part` is one of its parts
  std::string part =
      "unseen";  ///< "unseen" (that the model was not fitted on), "training", "validation", "test", "all"
  std::filesystem::path features_file = {};  ///< keeps extracted features; empty: a temporary file
  std::uint64_t seed = kDefaultSeed;         ///< of the interval over artists
};

struct EvaluateJobResult {
  std::vector<std::string> labels;  ///< of the model
  Evaluation evaluation;
  std::vector<std::string> notes;
  std::vector<Fault> skipped;  ///< tracks that could not be used or whose genre the model does not know
};

/// Throws as study_job() does, and Error when no example is left to evaluate on or the features are not the model's.
EvaluateJobResult evaluate_job(const EvaluateJobConfig& config, Runtime& runtime);

/// What `genrewise evaluate --json` prints.
nlohmann::json to_json(const EvaluateJobResult& result, const EvaluateJobConfig& config);

}  // namespace genrewise
