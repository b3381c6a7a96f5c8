// The search for parameters by cross-validation.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/progress.hpp"
#include "genrewise/study/study.hpp"

namespace genrewise {

/// What is searched. Beside the learner's own parameters an axis (or a fixed parameter) may be one of those that
/// prepare the features: see Point.
struct TuningConfig {
  std::string kind;
  Parameters fixed;
  std::vector<GridAxis> axes;
  std::size_t random_points = 0;  ///< 0: the whole grid; else so many of its points, drawn by the seed
  int folds = 5;
  SplitScheme scheme = SplitScheme::grouped;  ///< of the folds; or random
  std::uint64_t seed = kDefaultSeed;
  bool share = true;  ///< points of a fold share their work (see SharedWork); the results are the same without
  ClassifierFactory make = make_classifier;
};

/// What one fold says of one point.
struct FoldScore {
  double accuracy = 0, log_loss = 0;
  double fit_s = 0, predict_s = 0;  ///< work that points share is in the seconds of the point that came first
  std::string error;                ///< why it could not be fitted; then the figures are empty
};

struct TuningPoint {
  Parameters parameters;  ///< fixed and varied
  std::vector<double> fold_accuracy, fold_log_loss;
  double accuracy = 0, log_loss = 0;  ///< means over the folds
  double standard_error = 0;          ///< of the mean accuracy: the folds' standard deviation / sqrt(folds)
  double fit_s = 0, predict_s = 0;    ///< means over the folds
  std::string error;                  ///< why it could not be fitted in some fold; then it is never chosen
};

/// What principal component analysis finds in the examples that were searched on.
struct ExplainedVariance {
  std::string features;        ///< "all", or those of the best point
  std::vector<double> shares;  ///< of the variance, one for each component; not more than were worth computing
};

struct TuningResult {
  std::vector<TuningPoint> points;  ///< in the grid's order
  std::size_t best = 0;             ///< by accuracy, then log loss, then the first
  /// The simplest point (see complexity()) whose accuracy is within one standard error of the best (Breiman et al.,
  /// 1984).
  std::size_t one_standard_error = 0;
  std::optional<ExplainedVariance> variance;  ///< where PCA was searched or fixed
};

/// The parameters that the axes vary.
Parameters varied(const Parameters& all, const std::vector<GridAxis>& axes);

/// One for each point that could not be fitted: the reason, and its parameters.
std::vector<Fault> failures(const TuningResult& result);

/// Scores of folds that were finished before; see StudyStore. keep() is called by one thread at a time.
struct TuningStore {
  std::function<std::optional<FoldScore>(const Parameters&, int fold)> find;
  std::function<void(const Parameters&, int fold, const FoldScore&)> keep;
};

/// Throws Error for what cannot be searched whatever the examples: an axis that is empty or given twice, a parameter
/// that the learner does not have, a value that makes no sense, too few folds. tune() does so itself.
void require_sound(const TuningConfig& config);

/// Every point on every fold. Folds are stratified, and grouped as the scheme says; every genre is in at least two of
/// them, so that each is always learnt, while a fold need not have all of them to be judged on. Preprocessing is fitted
/// on each fold's training side; points of a fold that ask for the same share it, and what else they have in common.
/// Folds run in parallel over the thread budget, one after another within a large table or where they are too few.
/// A point that fails on a fold is noted. Throws Error for what require_sound() refuses, for examples of one genre, a
/// feature that is no finite number or that no column has, when folds cannot be made (a genre with fewer than two
/// groups), and when every point failed.
TuningResult tune(const Examples& examples, const TuningConfig& config, Progress& progress,
                  const TuningStore& store = {});

/// Grids by name, for a kind of classifier and a table's columns.
///   study     those of the study that genrewise repeats, as the classifiers declare them
///   wide      the parameters that matter most to a kind, over all that is sensible, as the classifiers declare them
///   pca       pca_components: 2, 5, 10, 20, 50, ... below the number of columns, and 0 (none)
///   scaling   standardise true and false
///   features  features: each alone, FMA's combinations of them, and all
/// Throws Error for a name, or a kind, without one.
std::vector<GridAxis> preset_grid(std::string_view preset, std::string_view kind,
                                  const std::vector<FeatureColumn>& columns);
std::vector<std::string> preset_names();

nlohmann::json to_json(const TuningPoint& point);
nlohmann::json to_json(const FoldScore& score);
/// Throws nlohmann::json::exception for any other document.
FoldScore fold_score_from_json(const nlohmann::json& document);

}  // namespace genrewise
