// Calibration, coverage, and curves over the decision threshold.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "genrewise/models/classifier.hpp"
#include "genrewise/models/confidence.hpp"

namespace genrewise {

inline constexpr std::size_t kCurvePoints = 60;  ///< most points of a curve, first and last included

/// Probability of the predicted label of each example.
std::vector<double> confidences(const Predictions& predictions);

/// Examples whose confidence is in (low, high]; the first bin includes its low.
struct CalibrationBin {
  double low = 0, high = 0;
  std::size_t count = 0;
  double confidence = 0, accuracy = 0;  ///< means over the bin
};

struct Calibration {
  double error = 0;                  ///< expected calibration error: |confidence - accuracy|, weighted by counts
  std::vector<CalibrationBin> bins;  ///< of equal width; without the empty ones
};
/// Reliability of confidences (Guo et al., 2017). hits[i]: whether example i is predicted correctly.
Calibration calibrate(std::span<const double> confidence, const std::vector<bool>& hits, std::size_t bins = 10);

/// By falling threshold; the last point covers all examples.
std::vector<CoveragePoint> coverage_curve(std::span<const double> confidence, const std::vector<bool>& hits,
                                          std::size_t most_points = kCurvePoints);

/// Fits temperature and background (equal shares of all labels with examples) to predictions for held-out examples, by
/// their log loss, and measures the curve of the most probable labels. The background is at least 1 / (examples + 2) in
/// all, so that nothing is certain, whatever few examples show. There must be an example.
Confidence fit_confidence(Matrix probabilities, std::span<const int> truth);

struct CurvePoint {
  double x = 0, y = 0;
};

/// One genre against all others, by the probability of the genre.
struct GenreCurves {
  std::optional<double> auc;                 ///< area under the ROC curve; empty if the genre is absent or alone
  std::optional<double> average_precision;   ///< empty if the genre is absent
  std::vector<CurvePoint> roc;               ///< false and true positive rate; empty where there is no area
  std::vector<CurvePoint> precision_recall;  ///< recall and precision, from (0, 1); empty if the genre is absent
};
/// As scikit-learn's roc_auc_score, average_precision_score and their curves; one entry per column. Areas are of all
/// points; the curves are thinned to most_points.
std::vector<GenreCurves> genre_curves(std::span<const int> truth, const Matrix& probabilities,
                                      std::size_t most_points = kCurvePoints);

}  // namespace genrewise
