// What predictions for held-out examples show of a model's probabilities: how to calibrate them, and above which
// confidence they are reliable.
//
//     if (const auto threshold = model.confidence.threshold(0.1)) is_unknown = confidence < threshold->threshold;
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/matrix.hpp"

namespace genrewise {

class TensorArchive;

/// Accuracy on the share of examples whose confidence is at least `threshold`.
struct CoveragePoint {
  double threshold = 0, coverage = 0, accuracy = 0;
};

inline constexpr double kMaxError = 0.1;  ///< default share of errors among the predictions above the threshold

/// A default-constructed one changes nothing and has no threshold.
struct Confidence {
  std::size_t held_out = 0;               ///< number of held-out predictions that it was fitted on; 0: none
  double temperature = 1;                 ///< above 1: the classifier's probabilities are too near 0 and 1
  double even_share = 0;                  ///< weight of equal probabilities of the labels `present`
  std::vector<std::size_t> present = {};  ///< labels that had training examples, ascending
  std::vector<CoveragePoint> curve = {};  ///< of the calibrated held-out predictions, by falling threshold

  /// Divides the logarithms of the probabilities by the temperature, normalises each row to the sum 1 (Guo et al.,
  /// 2017), and mixes it with equal probabilities, because a classifier that counts (neighbours, trees) predicts 0.
  /// Rows keep their order. One column per label.
  void calibrate(Matrix& probabilities) const;

  /// The point of the curve with the largest coverage at which at most this share of the predictions was wrong,
  /// estimated as (errors + 1) / (predictions + 1), so that a few lucky ones do not count. {0, 1, accuracy} for a share
  /// of 1 or more. Empty if there is none.
  std::optional<CoveragePoint> threshold(double max_error = kMaxError) const;
  /// The least share of errors for which there is a threshold; 1 without held-out predictions.
  double least_error() const;

  /// Under names that start with `prefix`; nothing if there are no held-out predictions. load() throws Error for
  /// another version and for impossible values.
  void save(TensorArchive& archive, const std::string& prefix) const;
  void load(const TensorArchive& archive, const std::string& prefix, std::size_t labels);
};

/// {"held_out", "temperature", "max_error", "threshold", "coverage", "accuracy"} of the default threshold; the last
/// three are null where it is not reached.
nlohmann::json to_json(const Confidence& confidence);

}  // namespace genrewise
