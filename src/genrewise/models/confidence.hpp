// How far a model's predictions can be relied on, measured on examples that were held out from its fit.
//
//     const bool unknown = confidence < model.confidence.threshold(0.1)->threshold;
//     const bool unlike_training = model.novelty.distances(features)[0] > 1;
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genrewise/models/preprocessing.hpp"

namespace genrewise {

/// Accuracy on the share of examples whose confidence is at least `threshold`.
struct CoveragePoint {
  double threshold = 0, coverage = 0, accuracy = 0;
};

inline constexpr double kMaxError = 0.1;  ///< default share of errors among the predictions above the threshold

/// Calibration and thresholds; a default-constructed one changes nothing and has none. See fit_confidence().
struct Confidence {
  std::size_t held_out = 0;               ///< number of held-out predictions that it was fitted on; 0: none
  double temperature = 1;                 ///< above 1: the classifier's probabilities are too near 0 and 1
  std::vector<double> background = {};    ///< by label: shares that are mixed in; 0 for labels without examples
  std::vector<CoveragePoint> curve = {};  ///< of the calibrated held-out predictions, by falling threshold

  /// Divides the logarithms of the probabilities of one row per example by the temperature (Guo et al., 2017),
  /// normalises them, and mixes them with the background. Rows keep their order and sum to 1.
  void calibrate(Matrix& probabilities) const;
  /// The point of the curve with the largest coverage at which at most this share was wrong, by the estimate
  /// (errors + 1) / (predictions + 1), so that a few lucky ones do not count. {0, ...} for a share of 1. Empty if none.
  std::optional<CoveragePoint> threshold(double max_error = kMaxError) const;
  /// The least share of errors for which there is a threshold; 1 without held-out predictions.
  double least_error() const;

  /// Under names that start with `prefix`; nothing without held-out predictions. load() throws Error for another
  /// version and for impossible values.
  void save(TensorArchive& archive, const std::string& prefix) const;
  void load(const TensorArchive& archive, const std::string& prefix, std::size_t labels);
};

/// As in docs/results_format.md, with the default threshold.
nlohmann::json to_json(const Confidence& confidence);

/// Mahalanobis distance from the training examples under probabilistic principal components (Tipping and Bishop, 1999):
/// the covariance of the standardised columns, with the eigenvalues after the first 16 replaced by their mean.
class Novelty {
 public:
  /// Fits on these rows of raw features, above 2^25 numbers on a sample drawn by the seed. `offsets`: see Preprocessor.
  void fit(const Matrix& table, std::vector<std::size_t> rows, std::span<const double> offsets, std::uint64_t seed);
  bool is_fitted() const { return standardise_.input_columns() > 0; }
  /// Of each row, in units of the limit: above 1 it is farther away than nearly all held-out examples.
  std::vector<double> distances(const Matrix& features, std::span<const double> offsets = {}) const;
  /// Sets the limit, which is 1 after fit(), to the 99 % quantile of these distances.
  void set_limit(std::vector<double> held_out);

  /// As Confidence's.
  void save(TensorArchive& archive, const std::string& prefix) const;
  void load(const TensorArchive& archive, const std::string& prefix, std::size_t columns);

 private:
  Preprocessor standardise_, components_;  // the second is fitted on the output of the first
  double limit_ = 1;
};

}  // namespace genrewise
