// Several models compared on one split.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/models/model.hpp"
#include "genrewise/models/preprocessing.hpp"
#include "genrewise/pipeline/examples.hpp"
#include "genrewise/study/metrics.hpp"

namespace genrewise {

/// One parameter and the values to try.
struct GridAxis {
  std::string parameter;
  std::vector<std::string> values;
  friend bool operator==(const GridAxis&, const GridAxis&) = default;
};

/// One entry of a study: a learner, what is fixed of it, and what the validation part chooses.
struct ModelSpec {
  std::string name;   ///< "svm-rbf": in tables, results and file names
  std::string title;  ///< "SVM, RBF kernel": for people
  std::string kind;
  Parameters parameters;
  std::vector<GridAxis> grid;  ///< every combination is tried; empty: nothing to choose
  friend bool operator==(const ModelSpec&, const ModelSpec&) = default;
};

/// Every combination of the axes' values over `fixed`, the last axis fastest; `fixed` alone without axes.
std::vector<Parameters> grid_points(const Parameters& fixed, const std::vector<GridAxis>& axes);

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
};

/// One model's part of the results. Everything but the seconds is the same for the same seed.
struct ModelResult {
  std::string name, title, kind;
  std::string error;              ///< why it could not be fitted; then the rest is empty
  Parameters parameters;          ///< all of them, as chosen
  std::vector<TriedPoint> tried;  ///< more than one where there was a choice
  Score validation;               ///< of the chosen parameters, fitted on training alone
  double validation_log_loss = 0;
  Metrics test;                                   ///< fitted on training and validation
  std::vector<int> test_labels;                   ///< what it decided for each row of the test part
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

/// For each model: every point of its grid is fitted on the training part and scored on the validation part; the best
/// (accuracy, then log loss, then the first) is fitted again on training and validation together and measured on the
/// test part, which nothing before has seen. Standardisation and PCA are fitted on exactly the examples the learner
/// gets. The same for all models. A model that throws Error is noted in its result and the others go on.
/// Throws Error when a part is empty or training holds fewer than two genres, Interrupted on Ctrl-C; models that were
/// finished before are in the store.
StudyResult run_study(const Examples& examples, const Split& split, const StudyConfig& config, Progress& progress,
                      const StudyStore& store = {});

/// Whose each example is, for intervals over groups: its artist, else its album, else its track.
std::vector<std::string> groups_of(const SplitSubjects& subjects, const std::vector<std::size_t>& rows);

/// What a learner may need to know beside the rows it learns from: their groups, and the labels' names.
FitContext fit_context(const Examples& examples, const std::vector<std::size_t>& rows);
/// Without standardisation for a learner that takes features as they are.
PreprocessingConfig preprocessing_for(const Classifier& classifier, PreprocessingConfig config);

/// A classifier with its preprocessing, fitted on these rows of the examples. `place`: its progress, run folder and
/// ranks are handed on to the classifier.
Model fit_model(const Examples& examples, const std::vector<std::size_t>& rows, std::unique_ptr<Classifier> classifier,
                const PreprocessingConfig& preprocessing, const FitContext& place = {});

}  // namespace genrewise
