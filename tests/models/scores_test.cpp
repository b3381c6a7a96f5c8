// Scores, iterations and weights of labels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "classifier_support.hpp"
#include "genrewise/base/error.hpp"
#include "support/classifiers.hpp"

namespace genrewise {
namespace {

using testing::Clusters;
using ::testing::Each;
using testing::error_message;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::largest_difference;
using testing::make_clusters;
using ::testing::Not;

std::unique_ptr<Classifier> fitted(std::string_view kind, const Clusters& data, int label_count,
                                   const Parameters& parameters = {}, std::span<const double> label_weights = {}) {
  auto classifier = make_classifier(kind, parameters, 1);
  classifier->fit(
      {.examples = data.examples, .labels = data.labels, .label_count = label_count, .label_weights = label_weights});
  return classifier;
}

bool has_parameter(std::string_view kind, std::string_view name) {
  return find_parameter(classifier_descriptor(kind).parameters, name) != nullptr;
}

class EveryClassicalKind : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Kinds, EveryClassicalKind, ::testing::ValuesIn(testing::classical_kinds()),
                         [](const auto& param) { return param.param; });

TEST_P(EveryClassicalKind, HasTheLargestScoreAtThePredictedLabelOrNoScores) {
  const Clusters data = make_clusters(240, 5, 4, 5.0);
  const auto classifier = fitted(GetParam(), data, 4);
  if (!classifier->descriptor().capabilities.scores) {
    EXPECT_THAT(error_message([&] { classifier->scores(data.examples); }), HasSubstr("has no scores"));
    return;
  }
  const Matrix scores = classifier->scores(data.examples);
  ASSERT_EQ(scores.cols(), 4);
  const auto predicted = classifier->predict(data.examples);
  for (std::size_t i = 0; i < scores.rows(); ++i)
    EXPECT_EQ(std::ranges::max_element(scores.row(i)) - scores.row(i).begin(), predicted[i]);
}

TEST_P(EveryClassicalKind, HasOneScoreForTwoLabelsThatOccur) {
  if (!classifier_descriptor(GetParam()).capabilities.scores) return;
  Clusters data = make_clusters(120, 5, 2, 5.0);
  for (int& label : data.labels) label = label == 1 ? 3 : 1;  // 0 and 2 do not occur
  const auto classifier = fitted(GetParam(), data, 4);
  const Matrix scores = classifier->scores(data.examples);
  ASSERT_EQ(scores.cols(), 1);
  const auto predicted = classifier->predict(data.examples);
  for (std::size_t i = 0; i < scores.rows(); ++i) EXPECT_EQ(scores(i, 0) > 0 ? 3 : 1, predicted[i]);
}

TEST_P(EveryClassicalKind, CountsIterationsWhereTheyAreLimited) {
  const Clusters data = make_clusters(120, 3, 3, 1.0);
  const auto classifier = fitted(GetParam(), data, 3);
  if (has_parameter(GetParam(), "max_iter"))
    EXPECT_THAT(classifier->iterations(), ::testing::AllOf(Not(IsEmpty()), Each(Ge(1))));
  else
    EXPECT_THAT(classifier->iterations(), IsEmpty());
}

TEST_P(EveryClassicalKind, WeighsLabelsAsRepeatedExamplesOrRefuses) {
  const Clusters data = make_clusters(90, 3, 3, 0.7);
  const std::vector<double> weights = {1, 3, 1};
  if (!has_parameter(GetParam(), "class_weight")) {
    EXPECT_THAT(error_message([&] { fitted(GetParam(), data, 3, {}, weights); }), HasSubstr("cannot weight labels"));
    return;
  }
  std::vector<std::size_t> rows;
  Clusters repeated;
  for (std::size_t i = 0; i < data.labels.size(); ++i)
    for (int k = 0; k < (data.labels[i] == 1 ? 3 : 1); ++k) {
      rows.push_back(i);
      repeated.labels.push_back(data.labels[i]);
    }
  repeated.examples = data.examples.select_rows(rows);
  Parameters exact = {{"tol", "1e-6"}, {"max_iter", "5000"}};
  if (GetParam() == "svm") exact = {{"tol", "1e-6"}, {"gamma", "auto"}};  // scale depends on the repetitions
  const Matrix scores = fitted(GetParam(), data, 3, exact, weights)->scores(data.examples);
  EXPECT_LT(largest_difference(scores, fitted(GetParam(), repeated, 3, exact)->scores(data.examples)), 2e-3);
  EXPECT_GT(largest_difference(scores, fitted(GetParam(), data, 3, exact)->scores(data.examples)), 0.05);
}

TEST(LabelWeights, AreFinitePositiveNumbersOneForEachLabel) {
  const Clusters data = make_clusters(60, 3, 3, 1.0);
  const auto message = [&](const std::vector<double>& weights) {
    return error_message([&] { fitted("logreg", data, 3, {}, weights); });
  };
  EXPECT_THAT(message({1, 1}), HasSubstr("3 labels have 2 weights"));
  EXPECT_THAT(message({1, 0, 1}), HasSubstr("not a finite number above 0"));
  EXPECT_THAT(message({1, std::numeric_limits<double>::infinity(), 1}), HasSubstr("not a finite number above 0"));
}

TEST(LabelWeights, MultiplyBalancedOnes) {
  Clusters data = make_clusters(90, 3, 3, 0.7);
  for (std::size_t i = 0; i < data.labels.size(); i += 6) data.labels[i] = 1;
  const Parameters balanced = {{"class_weight", "balanced"}, {"tol", "1e-6"}, {"max_iter", "5000"}};
  const Matrix plain = fitted("logreg", data, 3, balanced)->scores(data.examples);
  const std::vector<double> same = {1, 1, 1}, other = {1, 5, 1};
  EXPECT_EQ(plain, fitted("logreg", data, 3, balanced, same)->scores(data.examples));
  EXPECT_GT(largest_difference(plain, fitted("logreg", data, 3, balanced, other)->scores(data.examples)), 0.05);
}

}  // namespace
}  // namespace genrewise
