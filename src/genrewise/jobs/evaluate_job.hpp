// Evaluates a saved model on labelled data: the job of `genrewise evaluate`.
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
#include "genrewise/evaluation/evaluation.hpp"

namespace genrewise {

struct EvaluateJobConfig {
  std::filesystem::path model;  ///< a .gwm file
  DataSourceConfig data;        ///< its features default to the model's
  SplitConfig split;            ///< used if `part` is one of its parts
  std::string part =
      "unseen";  ///< "unseen" (not among the training examples of the model), "training", "validation", "test", "all"
  std::filesystem::path features_file = {};  ///< file for extracted features; empty: a temporary file
  std::uint64_t seed = kDefaultSeed;         ///< seed of the interval over artists
};

struct EvaluateJobResult {
  std::vector<std::string> labels;  ///< labels of the model
  Evaluation evaluation;
  std::vector<std::string> notes;
  std::vector<Fault> skipped;  ///< tracks that cannot be used or whose genre is unknown to the model
};

/// Throws as study_job() does, and Error if no example is left or the features are not those of the model.
EvaluateJobResult evaluate_job(const EvaluateJobConfig& config, Runtime& runtime);

/// Output of `genrewise evaluate --json`.
nlohmann::json to_json(const EvaluateJobResult& result, const EvaluateJobConfig& config);

}  // namespace genrewise
