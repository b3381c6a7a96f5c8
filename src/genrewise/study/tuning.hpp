// The search for parameters by cross-validation.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/study/study.hpp"

namespace genrewise {

/// What is searched. Beside the learner's own parameters an axis (or a fixed parameter) may be
///   pca_components    0 (none) or a number
///   standardise       true or false
///   features          "all", or names joined by "+"
struct TuningConfig {
  std::string kind;
  Parameters fixed;
  std::vector<GridAxis> axes;
  std::size_t random_points = 0;  ///< 0: the whole grid; else so many of its points, drawn by the seed
  int folds = 5;
  SplitScheme scheme = SplitScheme::grouped;  ///< of the folds; or random
  std::uint64_t seed = kDefaultSeed;
  ClassifierFactory make = make_classifier;
};

struct TuningPoint {
  Parameters parameters;  ///< fixed and varied
  std::vector<double> fold_accuracy, fold_log_loss;
  double accuracy = 0, log_loss = 0;  ///< means over the folds
  double standard_error = 0;          ///< of the mean accuracy: the folds' standard deviation / sqrt(folds)
  double fit_s = 0, predict_s = 0;    ///< means over the folds
  std::string error;                  ///< why it could not be fitted in some fold; then it is never chosen
};

struct TuningResult {
  std::vector<TuningPoint> points;  ///< in the grid's order
  std::size_t best = 0;             ///< by accuracy, then log loss, then the first
  /// The simplest point whose accuracy is within one standard error of the best (Breiman et al., 1984). Simpler is:
  /// smaller C, hidden_layer_sizes, n_estimators, max_depth, degree, pca_components; larger n_neighbors, var_smoothing,
  /// alpha; for other parameters the value that was named first.
  std::size_t one_standard_error = 0;
};

/// Results of points that were finished before; see StudyStore. keep() is called by one thread at a time.
struct TuningStore {
  std::function<std::optional<TuningPoint>(const Parameters&)> find;
  std::function<void(const TuningPoint&)> keep;
};

/// Every point on every fold, folds and points in parallel over the thread budget; folds are stratified, and grouped as
/// the scheme says. Preprocessing is fitted on each fold's training side and shared by all points that ask for the
/// same. Throws Error when an axis is empty or twice there, when folds cannot be made, and when every point failed.
TuningResult tune(const Examples& examples, const TuningConfig& config, Progress& progress,
                  const TuningStore& store = {});

/// "n_neighbors=1:96:5" (start, stop, step; the stop included where it is met), "C=0.1,1,10",
/// "var_smoothing=log:-11:-9:20" (20 powers of ten from 1e-11 to 1e-9). k is n_neighbors. Throws Error.
GridAxis parse_axis(std::string_view text);

/// The grids of the study that genrewise repeats: knn k = 1..96 step 5; gnb var_smoothing = logspace(-11, -9, 20); svm
/// the four kernels; mlp hidden_layer_sizes 5..95 step 10; logreg C = logspace(-4, 1, 11), because its solvers differ
/// in speed and not in what they find. Throws Error for a kind without one.
std::vector<GridAxis> study_grid(std::string_view kind);

nlohmann::json to_json(const TuningPoint& point);
/// Throws nlohmann::json::exception for any other document.
TuningPoint tuning_point_from_json(const nlohmann::json& document);

}  // namespace genrewise
