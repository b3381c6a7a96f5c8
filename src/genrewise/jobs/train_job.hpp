// Trains one model, from data to model file: the job of `genrewise train`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/models/model.hpp"

namespace genrewise {

enum class TrainingParts { training, training_and_validation, all };
/// "training", "training+validation", "all".
std::string_view to_string(TrainingParts parts);

struct TrainJobConfig {
  DataSourceConfig data;
  SplitConfig split;
  std::string model;                               ///< [FEATURES/]KIND[:NAME=VALUE...]; empty: the preset best's
  std::vector<std::string> parameters;             ///< further NAME=VALUE
  TrainingParts on = TrainingParts::training;      ///< the model is evaluated on the other parts
  std::optional<std::size_t> pca_components = {};  ///< sets the parameter pca_components
  std::filesystem::path output;                    ///< *.gwm
  std::filesystem::path run_folder = {};           ///< networks only: checkpoints and curves; training resumes from it
  std::string ranks_address = {};                  ///< "HOST:PORT" of rank 0 for distributed training
  int rank = 0, ranks = 1;
  std::uint64_t seed = kDefaultSeed;
};

struct TrainJobResult {
  std::string kind;
  Model model;
  std::size_t examples = 0;         ///< number of training examples
  std::map<Part, Metrics> parts;    ///< of the non-empty parts that it was not fitted on
  TrainingCurve training;           ///< of a network, on its validation part too if it was not fitted on that
  double fit_s = 0, predict_s = 0;  ///< fitting; predicting all of `parts`
  std::vector<std::string> notes;
  std::vector<Fault> skipped;
  bool written = true;  ///< false on ranks other than 0: only rank 0 writes the model
};

/// Fits the model, evaluates it on the parts that it was not fitted on and saves it. Extracted features are stored
/// beside the model in *.features.csv and reused. Throws as study_job() does, and Error for an option that does not
/// apply to the kind of model or data.
TrainJobResult train_job(const TrainJobConfig& config, Runtime& runtime);

/// Output of `genrewise train --json`.
nlohmann::json to_json(const TrainJobResult& result, const std::filesystem::path& model_file);

/// The equivalent command line for a POSIX shell.
std::string command_line(const TrainJobConfig& config);

}  // namespace genrewise
