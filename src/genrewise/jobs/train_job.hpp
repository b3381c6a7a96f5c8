// One model from data to file: what `genrewise train` does.
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
/// Throws Error for any other word.
TrainingParts parse_training_parts(std::string_view text);

struct TrainJobConfig {
  DataSourceConfig data;
  SplitConfig split;
  std::string model;                               ///< [FEATURES/]KIND[:NAME=VALUE...]
  std::vector<std::string> parameters;             ///< NAME=VALUE, further ones
  TrainingParts on = TrainingParts::training;      ///< the other parts are evaluated on
  std::optional<std::size_t> pca_components = {};  ///< as the parameter pca_components
  std::filesystem::path output;                    ///< *.gwm
  std::filesystem::path run_folder = {};           ///< of a network: checkpoints and curves, from which it continues
  std::string ranks_address = {};                  ///< "HOST:PORT" of rank 0 where several processes train together
  int rank = 0, ranks = 1;
  std::uint64_t seed = kDefaultSeed;
};

struct TrainJobResult {
  std::string kind;
  Model model;
  std::size_t examples = 0;         ///< that it was fitted on
  std::map<Part, Metrics> parts;    ///< of the parts that it was not fitted on and that have examples
  double fit_s = 0, predict_s = 0;  ///< the fit; predicting all of `parts`
  std::vector<std::string> notes;
  std::vector<Fault> skipped;
  bool written = true;  ///< false on ranks other than 0: rank 0 has the same model and writes it
};

/// Fits the model, evaluates it on the parts that it was not fitted on and saves it. Features that are extracted stay
/// beside the model in *.features.csv and are reused. Throws as study_job() does, and Error for an option that the kind
/// of model or data cannot follow.
TrainJobResult train_job(const TrainJobConfig& config, Runtime& runtime);

/// What `genrewise train --json` prints.
nlohmann::json to_json(const TrainJobResult& result, const std::filesystem::path& model_file);

/// The command line that does the same, in the words of a POSIX shell.
std::string command_line(const TrainJobConfig& config);

}  // namespace genrewise
