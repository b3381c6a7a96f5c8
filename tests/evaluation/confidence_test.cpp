#include "genrewise/models/confidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "genrewise/base/random.hpp"
#include "genrewise/evaluation/curves.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;

struct HeldOut {
  Matrix probabilities;
  std::vector<int> truth;
};

/// Random probabilities of `labels` labels, and true labels that are drawn from them after division of their logarithms
/// by `temperature`.
HeldOut drawn(std::size_t rows, std::size_t labels, double temperature, std::uint64_t seed = 1) {
  Rng rng(seed);
  HeldOut made{Matrix(rows, labels), {}};
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<double> scores(labels), powers(labels);
    for (double& score : scores) score = 3 * rng.normal();
    double sum = 0, heated = 0;
    for (std::size_t k = 0; k < labels; ++k) {
      sum += std::exp(scores[k]);
      heated += powers[k] = std::exp(scores[k] / temperature);
    }
    for (std::size_t k = 0; k < labels; ++k) made.probabilities(i, k) = static_cast<float>(std::exp(scores[k]) / sum);
    double left = rng.uniform() * heated;
    std::size_t label = 0;
    while (label + 1 < labels && (left -= powers[label]) > 0) ++label;
    made.truth.push_back(static_cast<int>(label));
  }
  return made;
}

/// Rows that predict label 0 of two with probability 0.8; the first `right` of them are right.
Confidence of_constant(std::size_t rows, std::size_t right) {
  HeldOut made{Matrix(rows, 2), std::vector<int>(rows, 1)};
  std::fill_n(made.truth.begin(), right, 0);
  for (std::size_t i = 0; i < rows; ++i) made.probabilities(i, 0) = 0.8F, made.probabilities(i, 1) = 0.2F;
  return fit_confidence(made.probabilities, made.truth);
}

double calibrated_error(const Confidence& confidence, HeldOut made) {
  confidence.calibrate(made.probabilities);
  Predictions predictions{{}, made.probabilities};
  for (std::size_t i = 0; i < made.truth.size(); ++i) {
    const auto row = predictions.probabilities.row(i);
    predictions.labels.push_back(static_cast<int>(std::ranges::max_element(row) - row.begin()));
  }
  return calibrate(confidences(predictions), hits_of(made.truth, predictions.labels)).error;
}

TEST(Confidence, FindsTheTemperatureThatTheLabelsWereDrawnWith) {
  for (const double temperature : {0.5, 1.0, 2.5}) {
    const HeldOut made = drawn(20'000, 5, temperature), other = drawn(20'000, 5, temperature, 2);
    const Confidence fitted = fit_confidence(made.probabilities, made.truth);
    EXPECT_NEAR(fitted.temperature, temperature, 0.05 * temperature);
    EXPECT_LT(fitted.background[0], 0.01);
    EXPECT_LT(calibrated_error(fitted, other), 0.02);  // of the drawing alone about 0.009, and a step of the search
    if (temperature != 1) {
      EXPECT_GT(calibrated_error({}, other), 0.05);
    }
  }
}

TEST(Confidence, GivesPredictionsOfZeroTheShareThatTheyHadOfTheTruth) {
  const std::size_t rows = 1000;
  HeldOut made{Matrix(rows, 4), std::vector<int>(rows, 0)};
  for (std::size_t i = 0; i < rows; ++i) {
    made.probabilities(i, 0) = 1;
    if (i % 4 == 0) made.truth[i] = 1 + static_cast<int>(i / 4 % 3);  // a quarter is wrong, evenly
  }
  const Confidence fitted = fit_confidence(made.probabilities, made.truth);
  fitted.calibrate(made.probabilities);
  EXPECT_NEAR(made.probabilities(0, 0), 0.75, 0.01);
  EXPECT_NEAR(made.probabilities(0, 1), 0.25 / 3, 0.01);
}

TEST(Confidence, KeepsOrderAndSumAndLeavesLabelsWithoutExamplesAtZero) {
  HeldOut made = drawn(200, 4, 3);
  for (std::size_t i = 0; i < 200; ++i) {
    made.probabilities(i, 1) += made.probabilities(i, 2);
    made.probabilities(i, 2) = 0;
    if (made.truth[i] == 2) made.truth[i] = 1;
  }
  Matrix calibrated = made.probabilities;
  fit_confidence(made.probabilities, made.truth).calibrate(calibrated);
  for (std::size_t i = 0; i < 200; ++i) {
    const auto before = made.probabilities.row(i), after = calibrated.row(i);
    EXPECT_NEAR(std::accumulate(after.begin(), after.end(), 0.0), 1, 1e-5);
    EXPECT_EQ(after[2], 0);
    for (const std::size_t k : {1, 3}) EXPECT_EQ(before[0] < before[k], after[0] < after[k]);
  }
}

TEST(Confidence, IsNeverCertainOfAFewHeldOutExamplesThatAreAllRight) {
  const Confidence fitted = of_constant(24, 24);
  Matrix row(1, 2, {0.999F, 0.001F});
  fitted.calibrate(row);
  EXPECT_GT(row(0, 0), 0.95);
  EXPECT_LT(row(0, 0), 0.99);
  ASSERT_TRUE(fitted.threshold(0.1));
  EXPECT_EQ(fitted.threshold(0.1)->coverage, 1);
  EXPECT_NEAR(fitted.least_error(), 1.0 / 25, 1e-9);
}

TEST(Confidence, HasNoThresholdWhereTheHeldOutExamplesAreAllWrongOrTooFew) {
  const Confidence wrong = of_constant(50, 0);
  EXPECT_FALSE(wrong.threshold(0.5));
  EXPECT_EQ(wrong.least_error(), 1);
  Matrix row(1, 2, {0.8F, 0.2F});
  wrong.calibrate(row);
  EXPECT_LT(row(0, 0), 0.6);
  EXPECT_FALSE(of_constant(8, 8).threshold(0.1));  // (0 + 1) / (8 + 1)
  EXPECT_TRUE(of_constant(9, 9).threshold(0.1));
  EXPECT_FALSE(Confidence().threshold(0.5));
  EXPECT_EQ(Confidence().least_error(), 1);
}

TEST(Confidence, HasTheThresholdOfTheLargestCoverageThatKeepsTheShareOfErrors) {
  Confidence confidence{.held_out = 100, .background = {0.01, 0.01}};
  confidence.curve = {{0.9, 0.1, 1}, {0.8, 0.4, 0.95}, {0.7, 0.6, 0.85}, {0.6, 0.8, 0.875}, {0.5, 1, 0.8}};
  const auto threshold = [&](double max_error) { return confidence.threshold(max_error)->threshold; };
  EXPECT_EQ(threshold(0.1), 0.8);   // (2 + 1) / (40 + 1)
  EXPECT_EQ(threshold(0.14), 0.6);  // (10 + 1) / (80 + 1), past a worse point
  EXPECT_EQ(threshold(0.21), 0.5);
  EXPECT_EQ(threshold(1), 0);  // also below every held-out confidence
  EXPECT_FALSE(confidence.threshold(0.05));
  EXPECT_NEAR(confidence.least_error(), 3.0 / 41, 1e-9);
}

TEST(Confidence, ComesBackFromAnArchiveAndRefusesOtherVersionsAndImpossibleValues) {
  const HeldOut made = drawn(300, 3, 2);
  const Confidence fitted = fit_confidence(made.probabilities, made.truth);
  TensorArchive archive("m.gwm");
  fitted.save(archive, "c.");
  Confidence loaded;
  loaded.load(archive, "c.", 3);
  EXPECT_EQ(to_json(loaded), to_json(fitted));
  EXPECT_EQ(loaded.curve.size(), fitted.curve.size());
  EXPECT_EQ(loaded.background, fitted.background);
  const auto message = [&](const char* name, const auto& values, std::vector<std::size_t> shape = {}) {
    TensorArchive crafted("m.gwm");
    fitted.save(crafted, "c.");
    crafted.put(std::string("c.") + name, values, std::move(shape));
    return error_message([&] { Confidence().load(crafted, "c.", 3); });
  };
  EXPECT_THAT(message("config", std::vector<std::int64_t>{2, 300}), HasSubstr("another version"));
  EXPECT_THAT(message("config", std::vector<std::int64_t>{1, -1}), HasSubstr("no held-out predictions"));
  for (const double temperature : {0.0, -1.0})
    EXPECT_THAT(message("temperature", std::vector<double>{temperature}), HasSubstr("temperature or background"));
  for (const std::vector<double>& background : {std::vector<double>{0.5, 0.5, 0.5}, {0, 0, 0}, {-0.1, 0.2, 0.2}})
    EXPECT_THAT(message("background", background), HasSubstr("temperature or background"));
  EXPECT_NE(message("background", std::vector<double>{0.1, 0.1}), "");
  EXPECT_THAT(message("curve", std::vector<double>{0.9, 0.5, 1}), HasSubstr("impossible"));
  EXPECT_THAT(message("curve", std::vector<double>{0.5, 0.5, 1, 0.9, 1, 1}), HasSubstr("not in order"));
  EXPECT_THAT(message("curve", std::vector<double>{0.5, 1, 1.5}), HasSubstr("impossible"));
}

}  // namespace
}  // namespace genrewise
