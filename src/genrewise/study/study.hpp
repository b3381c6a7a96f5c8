/// @file
/// Compares several models on one split.
/// @code
/// const Split split = make_split(examples.subjects);
/// const StudyResult result = run_study(examples, split, {.models = parse_models({"gnb", "svm"})}, progress);
/// @endcode
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/models/model.hpp"
#include "genrewise/models/point.hpp"
#include "genrewise/models/preprocessing.hpp"

namespace genrewise {

using ClassifierFactory =
    std::function<std::unique_ptr<Classifier>(std::string_view kind, const Parameters& parameters, std::uint64_t seed)>;

struct StudyConfig {
  std::vector<ModelSpec> models;
  PreprocessingConfig preprocessing;
  std::uint64_t seed = kDefaultSeed;
  bool confidence = false;  ///< models get confidence and novelty, and their test probabilities are calibrated
  ClassifierFactory make = make_classifier;
};

struct TriedPoint {
  Parameters parameters;  ///< the parameters of the grid
  double accuracy = 0, log_loss = 0;
  std::string error;  ///< why it could not be fitted; such a point is never chosen
};

/// Results of one model. Everything but times and memory is reproducible with the same seed.
struct ModelResult {
  std::string name, title, kind;
  std::string error;              ///< why it could not be fitted; the rest is then empty
  std::string features;           ///< name of the recipe of its features
  std::size_t columns = 0;        ///< number of columns of that table
  Parameters parameters;          ///< all parameters, as chosen
  std::vector<TriedPoint> tried;  ///< the points of the grid
  Score validation;               ///< accuracy with the chosen parameters, fitted on training alone
  double validation_log_loss = 0;
  Metrics test;                                   ///< fitted on training and validation
  std::vector<int> test_labels;                   ///< predicted label of each test example
  Matrix test_probabilities;                      ///< test examples x labels, calibrated
  nlohmann::json confidence;                      ///< Model::confidence as to_json(), or why it has none
  std::vector<double> explained_variance;         ///< share per principal component; empty without PCA
  double choose_s = 0, fit_s = 0, predict_s = 0;  ///< search on validation; final fit; predicting the test part
  TrainingCurve training;       ///< networks: of the chosen point, fitted on training and measured on validation
  std::string training_folder;  ///< its run folder, relative to the study's; empty: none
  std::uint64_t peak_memory_bytes = 0;  ///< of the process during all of these
};

struct StudyResult {
  std::vector<ModelResult> models;  ///< in the order of the configuration
  /// Baseline that always predicts the most frequent genre; its probabilities are the genres' shares.
  ModelResult baseline;
  std::optional<std::size_t> best;  ///< by validation accuracy, then validation log loss; empty if all failed
};

/// Storage of finished models. Both functions may be empty.
struct StudyStore {
  /// Returns a valid result of an earlier run.
  std::function<std::optional<ModelResult>(const ModelSpec&)> find;
  std::function<void(const ModelSpec&, const ModelResult&, const Model&)> keep;
  /// Folder of the networks' run folders, from which an interrupted fit continues; empty: none.
  std::filesystem::path networks = {};
};

/// Returns the table of a feature set that models name, with the rows of the study's examples in the same order. Called
/// once per name, so that only one of these tables is in memory besides the study's own.
using TableSource = std::function<FeatureTable(const std::string& features)>;
/// Returns the store of the models that are trained on these examples.
using StoreSource = std::function<StudyStore(const Examples&)>;

/// For each model: fits every point of its grid on the training part and evaluates it on the validation part; fits the
/// best point (accuracy, then log loss, then the first) on training and validation together and evaluates it on the
/// test part, which is not used before. A network is measured on the validation part after every epoch, which chooses
/// its epoch too; its last fit ends after as many epochs. Confidence and novelty of a model come from training and
/// validation (held_out.hpp). Preprocessing is fitted on exactly the training examples of
/// each fit. If a model or a point throws Error, its result contains the error and the study continues. Throws Error if
/// a part is empty, training has fewer than two genres or a feature is not finite; Interrupted on Ctrl-C, with the
/// finished models in the store.
StudyResult run_study(const Examples& examples, const Split& split, const StudyConfig& config, Progress& progress,
                      const StoreSource& store_of, const TableSource& table_of);
/// The same if all models are trained on the study's own table.
StudyResult run_study(const Examples& examples, const Split& split, const StudyConfig& config, Progress& progress,
                      const StudyStore& store = {});

/// Disables standardisation for kinds of classifiers that take unscaled features.
PreprocessingConfig preprocessing_for(std::string_view kind, PreprocessingConfig config);

/// Fits preprocessing and classifier on these rows of the examples. `context` is passed to the classifier, with labels;
/// if `validation` has rows, it is their validation part.
Model fit_model(const Examples& examples, const std::vector<std::size_t>& rows, std::unique_ptr<Classifier> classifier,
                const PreprocessingConfig& preprocessing, const FitContext& context = {},
                const std::vector<std::size_t>& validation = {});

}  // namespace genrewise
