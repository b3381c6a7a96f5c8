// Classifiers against scikit-learn's figures (tests/golden/models.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "classifier_support.hpp"
#include "genrewise/models/preprocessing.hpp"
#include "support/every_target.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using testing::largest_difference;
using testing::matrix_of;
using testing::mean_difference;
using testing::read_golden;
using testing::share_equal;

// Where several points are equally far at the k-th position, any of them is correct.
constexpr double kLeastEqualLabels = 0.995, kLeastEqualRows = 0.99;
// Our tables are float, scikit-learn's were double, and iterations stop within their tolerance.
constexpr double kProbabilityTolerance = 2e-4;
// Platt's folds are random in scikit-learn; the golden figures are the mean of five draws, which differ from each other
// by this.
constexpr double kMeanPlattTolerance = 0.02;

struct Data {
  Matrix train, test;
  std::vector<int> train_labels;
  int label_count;
};

double share_of_rows_within(const Matrix& a, const Matrix& b, double tolerance) {
  EXPECT_EQ(a.rows(), b.rows());
  std::size_t within = 0;
  for (std::size_t i = 0; i < a.rows(); ++i)
    within += std::ranges::equal(a.row(i), b.row(i), [&](float x, float y) { return std::abs(x - y) <= tolerance; });
  return static_cast<double>(within) / static_cast<double>(a.rows());
}

void expect_equal_to_scikit_learn(const json& cases, const Data& data) {
  for (const json& expected : cases) {
    SCOPED_TRACE(expected["name"].get<std::string>());
    const auto kind = expected["kind"].get<std::string>();
    auto classifier = make_classifier(kind, expected["parameters"].get<Parameters>(), kDefaultSeed);
    classifier->fit({data.train, data.train_labels, data.label_count});
    EXPECT_GE(share_equal(classifier->predict(data.test), expected["predict"].get<std::vector<int>>()),
              kLeastEqualLabels);
    if (!expected.contains("probabilities")) continue;
    const Matrix probabilities = classifier->predict_probabilities(data.test),
                 golden = matrix_of(expected["probabilities"]);
    if (kind == "svm") {
      EXPECT_LT(mean_difference(probabilities, golden), kMeanPlattTolerance);
    } else {
      EXPECT_GE(share_of_rows_within(probabilities, golden, kProbabilityTolerance), kLeastEqualRows);
    }
  }
}

Data standardised(const json& golden) {
  Data data{matrix_of(golden["train"]), matrix_of(golden["test"]), golden["train_labels"].get<std::vector<int>>(), 0};
  data.label_count = *std::ranges::max_element(data.train_labels) + 1;
  Preprocessor scaler(PreprocessingConfig{});
  scaler.fit(data.train);
  data.train = scaler.transform(data.train);
  data.test = scaler.transform(data.test);
  return data;
}

TEST_ON_EVERY_TARGET(ScikitLearn, AgreesOnSeededData) {
  const json golden = read_golden("models_seeded.json");
  expect_equal_to_scikit_learn(golden["cases"], standardised(golden));
}

TEST(ScikitLearn, AgreesOnTwoClasses) {
  const json golden = read_golden("models_seeded.json");
  const Data whole = standardised(golden);
  Data two{{}, whole.test, {}, 2};
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < whole.train_labels.size(); ++i)
    if (whole.train_labels[i] < 2) {
      rows.push_back(i);
      two.train_labels.push_back(whole.train_labels[i]);
    }
  two.train = whole.train.select_rows(rows);
  expect_equal_to_scikit_learn(golden["two_classes"], two);
}

TEST(ScikitLearn, AgreesOnStandardisationAndPrincipalComponents) {
  const json golden = read_golden("models_seeded.json");
  const Matrix train = matrix_of(golden["train"]), test = matrix_of(golden["test"]);
  for (const PcaSolver solver : {PcaSolver::exact, PcaSolver::randomised}) {
    Preprocessor preprocessor({.pca_components = 3, .pca_solver = solver});
    preprocessor.fit(train);
    for (std::size_t j = 0; j < train.cols(); ++j) {
      EXPECT_NEAR(preprocessor.mean()[j], golden["scaler"]["mean"][j].get<double>(), 1e-6);
      EXPECT_NEAR(preprocessor.scale()[j], golden["scaler"]["scale"][j].get<double>(), 1e-6);
    }
    EXPECT_LT(largest_difference(preprocessor.components(), matrix_of(golden["pca"]["components"])), 1e-4);
    EXPECT_LT(largest_difference(preprocessor.transform(test), matrix_of(golden["pca"]["transformed_test"])), 1e-4);
    for (std::size_t k = 0; k < 3; ++k)
      EXPECT_NEAR(preprocessor.explained_variance_ratio()[k],
                  golden["pca"]["explained_variance_ratio"][k].get<double>(), 1e-5);
  }
}

TEST(ScikitLearn, AgreesOnARealTable) {
  const json golden = read_golden("models_wine.json");
  const auto labels = golden["train_labels"].get<std::vector<int>>();
  auto raw = make_classifier("gnb", {}, kDefaultSeed);
  const Matrix train = matrix_of(golden["train"]);
  raw->fit({train, labels, 3});
  EXPECT_GE(share_equal(raw->predict(matrix_of(golden["test"])), golden["raw_gnb_predict"].get<std::vector<int>>()),
            kLeastEqualLabels);
  expect_equal_to_scikit_learn(golden["cases"], standardised(golden));
}

}  // namespace
}  // namespace genrewise
