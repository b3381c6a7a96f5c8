// Hyper-parameter search by cross-validation.
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

/// Search space and folds. An axis (or a fixed parameter) is a parameter of the classifier or of the preprocessing: see
/// Point.
struct TuningConfig {
  std::string kind;
  Parameters fixed;
  std::vector<GridAxis> axes;
  std::size_t random_points = 0;  ///< 0: the whole grid; else a random sample of this size
  int folds = 5;
  SplitScheme scheme = SplitScheme::grouped;  ///< of the folds: grouped or random
  std::uint64_t seed = kDefaultSeed;
  bool share = true;  ///< points of a fold share work (see SharedWork); does not change the results
  ClassifierFactory make = make_classifier;
};

/// Scores of one point on one fold.
struct FoldScore {
  double accuracy = 0, log_loss = 0;
  double fit_s = 0, predict_s = 0;  ///< shared work counts for the first point
  std::string error;                ///< why it could not be fitted; the figures are then 0
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FoldScore, accuracy, log_loss, fit_s, predict_s, error)

struct TuningPoint {
  Parameters parameters;  ///< fixed and varied parameters
  std::vector<double> fold_accuracy, fold_log_loss;
  double accuracy = 0, log_loss = 0;  ///< means over the folds
  double standard_error = 0;          ///< of the mean accuracy: standard deviation over the folds / sqrt(folds)
  double fit_s = 0, predict_s = 0;    ///< means over the folds
  std::string error;                  ///< why it could not be fitted on a fold; such a point is never chosen
};

/// Variance explained by the principal components of the searched examples.
struct ExplainedVariance {
  std::string features;        ///< "all", or the features of the best point
  std::vector<double> shares;  ///< share of the variance per component; may be truncated
};

struct TuningResult {
  std::vector<TuningPoint> points;  ///< in grid order
  std::size_t best = 0;             ///< by accuracy, then log loss, then the first
  /// The simplest point (see complexity()) whose accuracy is within one standard error of the best (Breiman et al.,
  /// 1984).
  std::size_t one_standard_error = 0;
  std::optional<ExplainedVariance> variance;  ///< if PCA was searched or fixed
};

/// The parameters that the axes vary, with their values.
Parameters varied(const Parameters& all, const std::vector<GridAxis>& axes);

/// One per point that could not be fitted: the reason, and the parameters.
std::vector<Fault> failures(const TuningResult& result);

/// Storage of finished folds; see StudyStore. keep() is called by one thread at a time.
struct TuningStore {
  std::function<std::optional<FoldScore>(const Parameters&, int fold)> find;
  std::function<void(const Parameters&, int fold, const FoldScore&)> keep;
};

/// Throws Error for a configuration that is invalid for any examples: an axis that is empty or given twice, an unknown
/// parameter, an invalid value, too few folds. tune() calls it.
void require_valid(const TuningConfig& config);

/// Evaluates every point on every fold. Folds are stratified, and grouped according to the scheme. Every genre is in at
/// least two folds, so it is always among the training examples; a held-out fold may lack genres. Preprocessing is
/// fitted on the training examples of each fold; points of a fold with the same preprocessing share it and other common
/// work. Folds run in parallel within the thread budget; they run one after another for a large table or if they are
/// few. If a point fails on a fold, its result contains the error. Throws Error if require_valid() does, for examples
/// of one genre, for a feature that is not finite or does not exist, if the folds are impossible (a genre with fewer
/// than two groups), and if every point failed.
TuningResult tune(const Examples& examples, const TuningConfig& config, Progress& progress,
                  const TuningStore& store = {});

/// Grid by preset name, for a kind of classifier and a table's columns.
///   study     grid of the study that genrewise reproduces, as the classifier declares it
///   wide      the most important parameters of the kind over a wide range, as the classifier declares it
///   pca       pca_components: 2, 5, 10, 20, 50, ... below the number of columns, and 0 (none)
///   scaling   standardise true and false
///   features  features: each alone, FMA's combinations, and all
/// Throws Error for an unknown name, or if the kind has no such preset.
std::vector<GridAxis> preset_grid(std::string_view preset, std::string_view kind,
                                  const std::vector<FeatureColumn>& columns);
std::vector<std::string> preset_names();

nlohmann::json to_json(const TuningPoint& point);

}  // namespace genrewise
