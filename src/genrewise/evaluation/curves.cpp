#include "genrewise/evaluation/curves.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "genrewise/base/parallel.hpp"

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

Confidence fit_confidence(Matrix probabilities, std::span<const int> truth) {
  constexpr int kSteps = 8, kLowest = -5 * kSteps, kHighest = 9 * kSteps;  // of the temperature, per octave
  constexpr int kRounds = 20;                                              // of expectation-maximisation
  const double least = 1 / static_cast<double>(truth.size() + 2);
  std::vector<bool> present(probabilities.cols());  // labels with examples; the others are always 0
  for (std::size_t i = 0; i < truth.size(); ++i) {
    present[static_cast<std::size_t>(truth[i])] = true;
    for (std::size_t k = 0; k < present.size(); ++k) present[k] = present[k] || probabilities(i, k) > 0;
  }
  const double even = 1 / static_cast<double>(std::ranges::count(present, true));
  const auto background = [&](double of_label) {
    std::vector<double> shares(present.size());
    for (std::size_t k = 0; k < shares.size(); ++k) shares[k] = present[k] ? of_label : 0;
    return shares;
  };
  double best_loss = std::numeric_limits<double>::infinity(), share = 0.1;
  Confidence fitted{.held_out = truth.size(), .background = background(1e-30)}, best;
  for (int step = kLowest; step <= kHighest; ++step) {
    fitted.temperature = std::exp2(static_cast<double>(step) / kSteps);
    Matrix heated = probabilities;
    fitted.calibrate(heated);
    double loss = 0;
    for (int round = 0; round < kRounds; ++round) {
      double mixed = 0;
      loss = 0;
      for (std::size_t i = 0; i < truth.size(); ++i) {
        const double of_truth = (1 - share) * heated(i, static_cast<std::size_t>(truth[i])) + share * even;
        mixed += share * even / of_truth;
        loss -= std::log(of_truth);
      }
      share = std::clamp(mixed / static_cast<double>(truth.size()), least, 0.99);
    }
    if (loss >= best_loss) continue;
    best_loss = loss;
    best = {truth.size(), fitted.temperature, background(share * even)};
  }
  best.calibrate(probabilities);
  std::vector<double> confidence;
  std::vector<bool> hits;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const auto row = probabilities.row(i);
    const auto most = std::ranges::max_element(row);
    confidence.push_back(*most);
    hits.push_back(most - row.begin() == truth[i]);
  }
  best.curve = coverage_curve(confidence, hits);
  return best;
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
