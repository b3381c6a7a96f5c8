#include "genrewise/evaluation/curves.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "genrewise/base/random.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "support/golden.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using testing::matrix_of;

constexpr double kExact = 1e-12;

const json& golden() {
  static const json figures = testing::read_golden("study/metrics.json");
  return figures;
}

std::vector<int> golden_truth() {
  return golden().at("truth").get<std::vector<int>>();
}

Predictions golden_predictions() {
  return {golden().at("predicted").get<std::vector<int>>(), matrix_of(golden().at("probabilities"))};
}

void expect_points(const std::vector<CurvePoint>& points, const json& expected) {
  ASSERT_EQ(points.size(), expected.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_NEAR(points[i].x, expected[i][0], kExact) << i;
    EXPECT_NEAR(points[i].y, expected[i][1], kExact) << i;
  }
}

TEST(GenreCurves, EqualScikitLearnsWithEqualProbabilities) {
  const auto curves = genre_curves(golden_truth(), matrix_of(golden().at("coarse")), 1000);
  ASSERT_EQ(curves.size(), golden().at("curves").size());
  for (std::size_t genre = 0; genre < curves.size(); ++genre) {
    SCOPED_TRACE(genre);
    const json& expected = golden()["curves"][genre];
    EXPECT_EQ(curves[genre].auc.has_value(), !expected.is_null());
    EXPECT_EQ(curves[genre].average_precision.has_value(), !expected.is_null());
    if (expected.is_null()) {
      EXPECT_TRUE(curves[genre].roc.empty() && curves[genre].precision_recall.empty());
      continue;
    }
    EXPECT_NEAR(*curves[genre].auc, expected.at("auc"), kExact);
    EXPECT_NEAR(*curves[genre].average_precision, expected.at("average_precision"), kExact);
    expect_points(curves[genre].roc, expected.at("roc"));
    expect_points(curves[genre].precision_recall, expected.at("precision_recall"));
  }
}

TEST(GenreCurves, HaveNoAreaForAGenreThatIsAlone) {
  const auto curves = genre_curves(std::vector<int>{0, 0}, Matrix(2, 2, {0.7F, 0.3F, 0.4F, 0.6F}));
  EXPECT_FALSE(curves[0].auc);
  EXPECT_EQ(curves[0].average_precision, 1.0);
  EXPECT_TRUE(curves[0].roc.empty());
}

TEST(GenreCurves, AreADiagonalForEqualProbabilities) {
  const std::vector<int> truth = {0, 1, 1, 1};
  const auto curves = genre_curves(truth, Matrix(4, 2, std::vector<float>(8, 0.5F)));
  EXPECT_EQ(curves[0].auc, 0.5);
  EXPECT_EQ(curves[0].roc.size(), 2u);
  EXPECT_EQ(curves[0].average_precision, 0.25);  // the genre's share
}

TEST(GenreCurves, AreThinnedWithoutChangingTheAreaAndKeepFirstAndLast) {
  constexpr std::size_t kMany = 20000;
  Rng rng(5);
  std::vector<int> truth(kMany);
  Matrix probabilities(kMany, 2);
  for (std::size_t i = 0; i < kMany; ++i) {
    truth[i] = static_cast<int>(rng.below(2));
    probabilities(i, 0) = static_cast<float>(0.7 * rng.uniform() + 0.3 * (truth[i] == 0));
    probabilities(i, 1) = 1 - probabilities(i, 0);
  }
  const GenreCurves thin = genre_curves(truth, probabilities, 20).front();
  const GenreCurves whole = genre_curves(truth, probabilities, kMany * 2).front();
  EXPECT_EQ(thin.auc, whole.auc);
  double area = 0;
  for (std::size_t i = 1; i < thin.roc.size(); ++i) {
    area += (thin.roc[i].x - thin.roc[i - 1].x) * (thin.roc[i].y + thin.roc[i - 1].y) / 2;
  }
  EXPECT_NEAR(area, *whole.auc, 0.005);  // the thinned curve has the same shape
  for (const auto& curve : {thin.roc, thin.precision_recall}) {
    EXPECT_LE(curve.size(), 20u);
    EXPECT_GE(curve.size(), 15u);
  }
  EXPECT_EQ(thin.roc.front().x + thin.roc.front().y, 0);
  EXPECT_EQ(thin.roc.back().x + thin.roc.back().y, 2);
  EXPECT_EQ(thin.precision_recall.front().y, 1);
  EXPECT_EQ(thin.precision_recall.back().x, 1);
}

TEST(GenreCurves, KeepTheLastPointOnceWhenFewerPointsThanAllowedAreApart) {
  std::vector<int> truth(20, 0);
  std::fill(truth.begin() + 10, truth.end(), 1);
  Matrix probabilities(20, 2);
  for (std::size_t i = 0; i < 20; ++i) {
    probabilities(i, 0) = i < 10 ? 0.9F - 0.01F * static_cast<float>(i) : 0.2F;  // the others are one step, to (1, 1)
    probabilities(i, 1) = 1 - probabilities(i, 0);
  }
  const auto roc = genre_curves(truth, probabilities, 6).front().roc;
  ASSERT_EQ(roc.size(), 4u);
  EXPECT_EQ(roc[2].x, 0);
  EXPECT_NEAR(roc[2].y, 0.8, kExact);
  EXPECT_EQ(roc[3].x, 1);
}

TEST(Calibration, EqualsScikitLearnsCurve) {
  const Predictions predictions = golden_predictions();
  const Calibration calibration = calibrate(confidences(predictions), hits_of(golden_truth(), predictions.labels));
  const json& expected = golden().at("calibration");
  ASSERT_EQ(calibration.bins.size(), expected.at("counts").size());
  for (std::size_t b = 0; b < calibration.bins.size(); ++b) {
    EXPECT_EQ(calibration.bins[b].count, expected["counts"][b].get<std::size_t>());
    EXPECT_NEAR(calibration.bins[b].accuracy, expected["accuracy"][b], kExact);
    EXPECT_NEAR(calibration.bins[b].confidence, expected["confidence"][b], kExact);
  }
  EXPECT_NEAR(calibration.error, expected.at("ece"), kExact);
}

TEST(Calibration, PutsZeroAndOneIntoTheOuterBins) {
  const Calibration calibration = calibrate(std::vector<double>{0, 1, 0.5}, {false, true, false});
  ASSERT_EQ(calibration.bins.size(), 3u);
  EXPECT_EQ(calibration.bins[0].low, 0);
  EXPECT_EQ(calibration.bins[1].high, 0.5);  // a bin includes its upper edge
  EXPECT_EQ(calibration.bins[2].high, 1);
  EXPECT_NEAR(calibration.error, 0.5 / 3, kExact);
}

TEST(Coverage, EqualsCumulativeAccuracyByFallingConfidence) {
  const Predictions predictions = golden_predictions();
  const auto curve = coverage_curve(confidences(predictions), hits_of(golden_truth(), predictions.labels), 1000);
  const json& expected = golden().at("coverage");
  ASSERT_EQ(curve.size(), expected.at("threshold").size());
  for (std::size_t i = 0; i < curve.size(); ++i) {
    EXPECT_NEAR(curve[i].threshold, expected["threshold"][i], kExact);
    EXPECT_NEAR(curve[i].accuracy, expected["accuracy"][i], kExact);
    EXPECT_NEAR(curve[i].coverage, static_cast<double>(i + 1) / static_cast<double>(curve.size()), kExact);
  }
}

TEST(Coverage, IsOnePointForEqualProbabilitiesAndIsThinned) {
  EXPECT_EQ(coverage_curve(std::vector<double>(9, 0.1), std::vector<bool>(9)).size(), 1u);
  std::vector<double> confidence;
  for (int i = 0; i < 1000; ++i) confidence.push_back(i / 1000.0);
  const auto curve = coverage_curve(confidence, std::vector<bool>(1000, true));
  EXPECT_EQ(curve.size(), kCurvePoints);
  EXPECT_EQ(curve.front().threshold, 0.999);
  EXPECT_EQ(curve.back().coverage, 1);
}

}  // namespace
}  // namespace genrewise
