// Several models compared on one split.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
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
  ClassifierFactory make = make_classifier;
};

struct TriedPoint {
  Parameters parameters;  ///< those of the grid
  double accuracy = 0, log_loss = 0;
  std::string error;  ///< why it could not be fitted; then it is never chosen
};

/// One model's part of the results. Everything but the seconds is the same for the same seed.
struct ModelResult {
  std::string name, title, kind;
  std::string error;              ///< why it could not be fitted; then the rest is empty
  std::string features;           ///< name of the recipe that it learnt from
  std::size_t columns = 0;        ///< of that table
  Parameters parameters;          ///< all of them, as chosen
  std::vector<TriedPoint> tried;  ///< more than one where there was a choice
  Score validation;               ///< of the chosen parameters, fitted on training alone
  double validation_log_loss = 0;
  Metrics test;                                   ///< fitted on training and validation
  std::vector<int> test_labels;                   ///< what it decided for each row of the test part
  std::vector<double> explained_variance;         ///< of each principal component, as shares; empty without PCA
  double choose_s = 0, fit_s = 0, predict_s = 0;  ///< trying on validation; the last fit; predicting the test part
};

struct StudyResult {
  std::vector<ModelResult> models;  ///< as in the configuration
  /// What always answers the most frequent genre gets; its probabilities are the genres' shares.
  ModelResult baseline;
  std::optional<std::size_t> best;  ///< by validation accuracy, then by validation log loss; none when all failed
};

/// Where a study keeps what it has finished. Both may be empty.
struct StudyStore {
  /// A result of an earlier run that is still valid.
  std::function<std::optional<ModelResult>(const ModelSpec&)> find;
  std::function<void(const ModelSpec&, const ModelResult&, const Model&)> keep;
};

/// The tables of models that name features of their own: the same rows in the same order as the study's examples.
/// Called once for each name, so that only one of them is in memory beside the study's own.
using TableSource = std::function<FeatureTable(const std::string& features)>;
/// The store of the models that learn from these examples.
using StoreSource = std::function<StudyStore(const Examples&)>;

/// For each model: every point of its grid is fitted on the training part and scored on the validation part; the best
/// (accuracy, then log loss, then the first) is fitted again on training and validation together and measured on the
/// test part, which nothing before has seen. Preprocessing is fitted on exactly the examples the learner gets. The same
/// for all models, whatever table they learn from. A model that throws Error is noted in its result and the others go
/// on; so is a point of a grid. Throws Error when a part is empty, training holds fewer than two genres or a feature is
/// no finite number; Interrupted on Ctrl-C: models that were finished before are in the store.
StudyResult run_study(const Examples& examples, const Split& split, const StudyConfig& config, Progress& progress,
                      const StoreSource& store_of, const TableSource& table_of);
/// The same where all models learn from the study's own table.
StudyResult run_study(const Examples& examples, const Split& split, const StudyConfig& config, Progress& progress,
                      const StudyStore& store = {});

/// Without standardisation where classifiers of that kind take features as they are. Throws UnknownName.
PreprocessingConfig preprocessing_for(std::string_view kind, PreprocessingConfig config);

/// A classifier with its preprocessing, fitted on these rows of the examples. `place`: its progress, run folder and
/// ranks are handed on to the classifier.
Model fit_model(const Examples& examples, const std::vector<std::size_t>& rows, std::unique_ptr<Classifier> classifier,
                const PreprocessingConfig& preprocessing, const FitContext& place = {});

}  // namespace genrewise
