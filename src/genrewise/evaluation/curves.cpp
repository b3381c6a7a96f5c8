#include "genrewise/evaluation/curves.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <utility>

#include "genrewise/base/parallel.hpp"
#include "genrewise/evaluation/metrics.hpp"

namespace genrewise {
namespace {

double share(std::size_t part, std::size_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

/// Counts of the examples whose score is at least `threshold`.
struct Cut {
  double threshold;
  std::size_t examples, positives;
};

/// One entry per distinct score, by falling score.
template <class Score, class IsPositive>
std::vector<Cut> cuts_of(std::size_t count, Score&& score, IsPositive&& is_positive) {
  std::vector<std::pair<double, bool>> ranked(count);
  for (std::size_t i = 0; i < count; ++i) ranked[i] = {score(i), is_positive(i)};
  std::ranges::sort(ranked, std::greater());
  std::vector<Cut> cuts;
  std::size_t positives = 0;
  for (std::size_t i = 0; i < count; ++i) {
    positives += ranked[i].second;
    if (i + 1 == count || ranked[i + 1].first < ranked[i].first) cuts.push_back({ranked[i].first, i + 1, positives});
  }
  return cuts;
}

/// At most `most` of the points, first and last included, at about equal steps of `along`, which must not fall.
template <class Point, class Along>
std::vector<Point> thinned(const std::vector<Point>& points, std::size_t most, Along&& along) {
  if (points.size() <= most) return points;
  std::vector<Point> kept;
  const double first = along(points.front()), step = (along(points.back()) - first) / static_cast<double>(most - 1);
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    if (along(points[i]) >= first + step * static_cast<double>(kept.size()) && kept.size() + 1 < most)
      kept.push_back(points[i]);
  }
  kept.push_back(points.back());
  return kept;
}

/// Where a function with one minimum between `low` and `high` has it.
template <class Function>
double golden_section(double low, double high, Function&& function) {
  constexpr int kSteps = 30;  // to a millionth of the range
  constexpr double kRatio = std::numbers::phi - 1;
  double a = high - kRatio * (high - low), b = low + kRatio * (high - low);
  double at_a = function(a), at_b = function(b);
  for (int step = 0; step < kSteps; ++step) {
    if (at_a < at_b) {
      high = std::exchange(b, a), at_b = at_a;
      at_a = function(a = high - kRatio * (high - low));
    } else {
      low = std::exchange(a, b), at_a = at_b;
      at_b = function(b = low + kRatio * (high - low));
    }
  }
  return (low + high) / 2;
}

GenreCurves curves_of(const std::vector<Cut>& cuts, std::size_t most_points) {
  GenreCurves curves;
  const std::size_t positives = cuts.back().positives, negatives = cuts.back().examples - positives;
  if (positives == 0) return curves;
  std::vector<CurvePoint> roc = {{0, 0}}, precision_recall = {{0, 1}};
  double area = 0, precision_sum = 0;
  for (const Cut& cut : cuts) {
    const double recall = share(cut.positives, positives), precision = share(cut.positives, cut.examples);
    precision_sum += (recall - precision_recall.back().x) * precision;
    precision_recall.push_back({recall, precision});
    if (negatives == 0) continue;
    const CurvePoint next{share(cut.examples - cut.positives, negatives), recall};
    area += (next.x - roc.back().x) * (next.y + roc.back().y) / 2;
    roc.push_back(next);
  }
  curves.average_precision = precision_sum;
  curves.precision_recall = thinned(precision_recall, most_points, [](const CurvePoint& point) { return point.x; });
  if (negatives == 0) return curves;
  curves.auc = area;
  curves.roc = thinned(roc, most_points, [](const CurvePoint& point) { return point.x + point.y; });
  return curves;
}

}  // namespace

std::vector<double> confidences(const Predictions& predictions) {
  std::vector<double> confidence;
  confidence.reserve(predictions.labels.size());
  for (std::size_t i = 0; i < predictions.labels.size(); ++i) {
    confidence.push_back(predictions.probabilities(i, static_cast<std::size_t>(predictions.labels[i])));
  }
  return confidence;
}

Calibration calibrate(std::span<const double> confidence, const std::vector<bool>& hits, std::size_t bins) {
  Calibration calibration;
  const double count = static_cast<double>(bins);
  for (std::size_t b = 0; b < bins; ++b) {
    calibration.bins.push_back({static_cast<double>(b) / count, static_cast<double>(b + 1) / count});
  }
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    const auto bin = std::ranges::lower_bound(calibration.bins, confidence[i], {}, &CalibrationBin::high);
    CalibrationBin& into = bin == calibration.bins.end() ? calibration.bins.back() : *bin;
    ++into.count;
    into.confidence += confidence[i];
    into.accuracy += hits[i];
  }
  std::erase_if(calibration.bins, [](const CalibrationBin& bin) { return bin.count == 0; });
  for (CalibrationBin& bin : calibration.bins) {
    calibration.error += std::abs(bin.confidence - bin.accuracy) / static_cast<double>(confidence.size());
    bin.confidence /= static_cast<double>(bin.count);
    bin.accuracy /= static_cast<double>(bin.count);
  }
  return calibration;
}

std::vector<CoveragePoint> coverage_curve(std::span<const double> confidence, const std::vector<bool>& hits,
                                          std::size_t most_points) {
  std::vector<CoveragePoint> points;
  for (const Cut& cut : cuts_of(
           confidence.size(), [&](std::size_t i) { return confidence[i]; }, [&](std::size_t i) { return hits[i]; })) {
    points.push_back({cut.threshold, share(cut.examples, confidence.size()), share(cut.positives, cut.examples)});
  }
  return thinned(points, most_points, [](const CoveragePoint& point) { return point.coverage; });
}

Confidence fit_confidence(Matrix probabilities, std::span<const int> truth, std::vector<std::size_t> present) {
  constexpr double kLeastLog = -3, kMostLog = 6, kMostEven = 0.99;  // of the temperature, natural
  Confidence fitted{.held_out = truth.size(), .present = std::move(present)};
  const double even = 1 / static_cast<double>(fitted.present.size());
  std::vector<double> shares(truth.size());  // of the true labels
  const auto best_share = [&](double log_temperature) {
    fitted.temperature = std::exp(log_temperature), fitted.even_share = 0;
    Matrix calibrated = probabilities;
    fitted.calibrate(calibrated);
    for (std::size_t i = 0; i < shares.size(); ++i) shares[i] = calibrated(i, static_cast<std::size_t>(truth[i]));
    const auto loss = [&](double share) {
      double sum = 0;
      for (const double of_truth : shares) sum -= std::log((1 - share) * of_truth + share * even);
      return sum;
    };
    const double share = golden_section(1 / static_cast<double>(truth.size() + 2), kMostEven, loss);
    return std::pair(loss(share), share);
  };
  const double best = golden_section(kLeastLog, kMostLog, [&](double at) { return best_share(at).first; });
  fitted.even_share = best_share(best).second;
  fitted.calibrate(probabilities);
  Predictions most_probable{std::vector<int>(truth.size()), std::move(probabilities)};
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const auto row = most_probable.probabilities.row(i);
    most_probable.labels[i] = static_cast<int>(std::ranges::max_element(row) - row.begin());
  }
  fitted.curve = coverage_curve(confidences(most_probable), hits_of(truth, most_probable.labels));
  return fitted;
}

std::vector<GenreCurves> genre_curves(std::span<const int> truth, const Matrix& probabilities,
                                      std::size_t most_points) {
  std::vector<GenreCurves> curves(probabilities.cols());
  if (truth.empty()) return curves;
  parallel_for(curves.size(), [&](std::size_t genre, int) {
    const auto cuts = cuts_of(
        truth.size(), [&](std::size_t i) { return static_cast<double>(probabilities(i, genre)); },
        [&](std::size_t i) { return truth[i] == static_cast<int>(genre); });
    curves[genre] = curves_of(cuts, most_points);
  });
  return curves;
}

}  // namespace genrewise
