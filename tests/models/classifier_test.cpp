// Properties of every classical classifier, and edge cases of each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "classifier_support.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/models/classical/neighbours.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "support/classifiers.hpp"

namespace genrewise {
namespace {

using testing::Clusters;
using ::testing::Each;
using testing::error_message;
using ::testing::HasSubstr;
using testing::largest_difference;
using testing::make_clusters;
using testing::mean_difference;
using testing::share_equal;

std::unique_ptr<Classifier> fitted(std::string_view kind, const Clusters& data, int label_count,
                                   const Parameters& parameters = {}, std::uint64_t seed = 1) {
  auto classifier = make_classifier(kind, parameters, seed);
  classifier->fit({data.examples, data.labels, label_count});
  return classifier;
}

/// Small parameter values for kinds that would make a test slow.
Parameters quick(std::string_view kind) {
  if (kind == "mlp") return {{"hidden_layer_sizes", "16"}, {"learning_rate_init", "0.01"}, {"max_iter", "60"}};
  if (kind == "adaboost") return {{"max_depth", "3"}};  // stumps alternate among four classes, as scikit-learn's
  if (kind == "forest") return {{"n_estimators", "30"}};
  if (kind == "xgboost") return {{"n_estimators", "20"}};
  if (kind == "qda") return {{"reg_param", "0.1"}};  // without it constant features are an error
  if (kind == "voting") return {{"estimators", "gnb,logreg"}};
  return {};
}

class EveryClassicalClassifier : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Kinds, EveryClassicalClassifier, ::testing::ValuesIn(testing::classical_kinds()),
                         [](const auto& param) { return param.param; });

TEST_P(EveryClassicalClassifier, SeparatesDistantClusters) {
  const Clusters train = make_clusters(240, 5, 4, 5.0), test = {make_clusters(480, 5, 4, 5.0)};
  const auto classifier = fitted(GetParam(), train, 4, quick(GetParam()));
  EXPECT_GT(share_equal(classifier->predict(test.examples), test.labels), 0.99);
}

TEST_P(EveryClassicalClassifier, PredictsProbabilitiesThatSumToOneAndFollowTheLabels) {
  const Clusters data = make_clusters(200, 4, 3, 1.0);
  const auto classifier = fitted(GetParam(), data, 3, quick(GetParam()));
  const Matrix probabilities = classifier->predict_probabilities(data.examples);
  ASSERT_EQ(probabilities.rows(), 200);
  ASSERT_EQ(probabilities.cols(), 3);
  std::vector<int> likeliest;
  for (std::size_t i = 0; i < probabilities.rows(); ++i) {
    const auto row = probabilities.row(i);
    EXPECT_NEAR(std::reduce(row.begin(), row.end()), 1, 1e-5);
    EXPECT_THAT(row, Each(::testing::AllOf(::testing::Ge(0), ::testing::Le(1))));
    likeliest.push_back(static_cast<int>(std::ranges::max_element(row) - row.begin()));
  }
  EXPECT_GT(share_equal(likeliest, classifier->predict(data.examples)), 0.9);
}

TEST_P(EveryClassicalClassifier, PredictsProbabilityZeroForALabelWithoutExamples) {
  Clusters data = make_clusters(120, 3, 3, 2.0);
  for (int& label : data.labels) label = label == 2 ? 4 : label;  // 2 and 3 are missing, and so is 5
  const auto classifier = fitted(GetParam(), data, 6, quick(GetParam()));
  const Matrix probabilities = classifier->predict_probabilities(data.examples);
  ASSERT_EQ(probabilities.cols(), 6);
  for (std::size_t i = 0; i < probabilities.rows(); ++i)
    for (std::size_t label : {2, 3, 5}) EXPECT_EQ(probabilities(i, label), 0);
  EXPECT_GT(share_equal(classifier->predict(data.examples), data.labels), 0.85);
}

TEST_P(EveryClassicalClassifier, IsReproducibleForAnyNumberOfThreadsWithTheSameSeed) {
  const Clusters data = make_clusters(600, 6, 3, 0.8);
  const int before = thread_budget();
  std::vector<Matrix> results;
  for (int threads : {1, 2, 3}) {
    Runtime::current().set_threads(threads);
    results.push_back(fitted(GetParam(), data, 3, quick(GetParam()))->predict_probabilities(data.examples));
  }
  Runtime::current().set_threads(before);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST_P(EveryClassicalClassifier, StaysFiniteOnConstantFeaturesAndEqualRows) {
  Clusters data = make_clusters(60, 3, 2, 2.0);
  for (std::size_t i = 0; i < 60; ++i) data.examples(i, 1) = 7;
  const Matrix some = fitted(GetParam(), data, 2, quick(GetParam()))->predict_probabilities(data.examples);
  EXPECT_TRUE(std::ranges::all_of(some.values(), [](float value) { return std::isfinite(value); }));

  Clusters equal{Matrix(40, 3), {}};
  for (int i = 0; i < 40; ++i) equal.labels.push_back(i % 4 == 0);
  const auto classifier = fitted(GetParam(), equal, 2, quick(GetParam()));
  const Matrix probabilities = classifier->predict_probabilities(equal.examples);
  for (std::size_t i = 0; i < 40; ++i) EXPECT_NEAR(probabilities(i, 0) + probabilities(i, 1), 1, 1e-5);
}

TEST_P(EveryClassicalClassifier, RefusesUnsuitableTrainingData) {
  const Clusters good = make_clusters(30, 3, 3, 1.0);
  const auto fit = [&](const Matrix& examples, const std::vector<int>& labels, int count) {
    return error_message([&] { make_classifier(GetParam(), quick(GetParam()), 1)->fit({examples, labels, count}); });
  };
  EXPECT_THAT(fit(good.examples, std::vector<int>(30, 1), 3), HasSubstr("only one label"));
  EXPECT_THAT(fit(Matrix(0, 3), {}, 3), HasSubstr("no label"));
  EXPECT_THAT(fit(good.examples, {0, 1}, 3), HasSubstr("30 examples have 2 labels"));
  EXPECT_THAT(fit(good.examples, good.labels, 2), HasSubstr("label 2 is not one of 0 .. 1"));
  Matrix bad = good.examples;
  bad(17, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(fit(bad, good.labels, 3), HasSubstr("row 17, column 2"));
}

TEST_P(EveryClassicalClassifier, RefusesToPredictFromOtherColumnsOrBeforeItIsFitted) {
  const Clusters data = make_clusters(30, 3, 3, 1.0);
  auto classifier = make_classifier(GetParam(), quick(GetParam()), 1);
  EXPECT_THAT(error_message([&] { classifier->predict(data.examples); }), HasSubstr("has not been fitted"));
  classifier->fit({data.examples, data.labels, 3});
  EXPECT_THAT(error_message([&] { classifier->predict(Matrix(2, 4)); }), HasSubstr("fitted on 3 columns"));
  Matrix bad(1, 3);
  bad(0, 1) = -std::numeric_limits<float>::infinity();
  EXPECT_THAT(error_message([&] { classifier->predict_probabilities(bad); }), HasSubstr("row 0, column 1"));
  EXPECT_EQ(classifier->predict_probabilities(Matrix(0, 3)).rows(), 0);
}

TEST_P(EveryClassicalClassifier, RefusesAnArchiveWithMissingOrInvalidTensors) {
  const Clusters data = make_clusters(30, 3, 3, 1.0);
  const auto classifier = fitted(GetParam(), data, 3, quick(GetParam()));
  TensorArchive whole;
  classifier->save(whole, "c.");
  for (const auto& [name, tensor] : whole.tensors()) {
    TensorArchive bent;
    classifier->save(bent, "c.");
    bent.put(name, std::vector<float>(101, 0.5f));
    EXPECT_THROW(make_classifier(GetParam(), classifier->parameters(), 1)->load(bent, "c."), Error) << name;
  }
}

TEST_P(EveryClassicalClassifier, NamesItsParametersWhenOneIsUnknown) {
  EXPECT_THAT(error_message([&] {
                make_classifier(GetParam(), {{"colour", "red"}}, 1);
              }),
              HasSubstr("has no parameter 'colour'"));
}

TEST(Classifiers, AreListedWhenAKindIsUnknown) {
  EXPECT_THAT(error_message([] { make_classifier("oracle", {}, 1); }), HasSubstr("gnb, knn, logreg, svm"));
}

TEST(Classifiers, RefuseParametersOutOfRange) {
  const auto of = [](std::string_view kind, const Parameters& parameters) {
    return error_message([&] { make_classifier(kind, parameters, 1); });
  };
  EXPECT_THAT(of("svm", {{"C", "0"}}), HasSubstr("C = '0' is not allowed; give a number above 0"));
  EXPECT_THAT(of("svm", {{"gamma", "-1"}}), HasSubstr("gamma"));
  EXPECT_THAT(of("svm", {{"kernel", "cosine"}}), HasSubstr("one of linear, poly, rbf, sigmoid"));
  EXPECT_THAT(of("svm", {{"class_weight", "heavy"}}), HasSubstr("none, balanced"));
  EXPECT_THAT(of("svm", {{"probability", "maybe"}}), HasSubstr("true or false"));
  EXPECT_THAT(of("knn", {{"n_neighbors", "0"}}), HasSubstr("at least 1"));
  EXPECT_THAT(of("knn", {{"n_neighbors", "2.5"}}), HasSubstr("whole number"));
  EXPECT_THAT(of("knn", {{"p", "0.5"}}), HasSubstr("at least 1"));
  EXPECT_THAT(of("logreg", {{"C", "many"}}), HasSubstr("'many' is not allowed"));
  EXPECT_THAT(of("logreg", {{"C", "nan"}}), HasSubstr("is not allowed"));
  EXPECT_THAT(of("gnb", {{"var_smoothing", "-1"}}), HasSubstr("at least 0"));
}

TEST(Neighbours, MustNotOutnumberTheExamples) {
  const Clusters data = make_clusters(12, 2, 2, 1.0);
  EXPECT_THAT(error_message([&] {
                fitted("knn", data, 2, {{"n_neighbors", "13"}});
              }),
              HasSubstr("only 12 training examples"));
  EXPECT_EQ(fitted("knn", data, 2, {{"n_neighbors", "12"}})->predict_probabilities(data.examples)(0, 0), 0.5f);
}

TEST(Neighbours, AreExactDespiteCancellation) {
  // Points far from the origin and close to each other: |a|^2 - 2ab + |b|^2 in float would be dominated by rounding.
  Clusters data{Matrix(64, 2), {}};
  for (std::size_t i = 0; i < 64; ++i) {
    data.examples(i, 0) = 100000.0f + static_cast<float>(i) * 0.25f;
    data.examples(i, 1) = i % 2 == 0 ? -5e6f : 5e6f;  // so that centring does not help within a half
    data.labels.push_back(i / 2 % 2 == 0 ? 0 : 1);
  }
  const auto classifier = fitted("knn", data, 2, {{"n_neighbors", "1"}});
  EXPECT_EQ(classifier->predict(data.examples), data.labels);
}

TEST(Neighbours, EqualAnExhaustiveSearch) {
  // Many correlated columns far from zero, two equal points, a query that is far from all points.
  Rng rng(3);
  Matrix mixing(10, 160), points(2400, 160), queries(60, 160);
  for (float& value : mixing.values()) value = static_cast<float>(rng.normal());
  const auto fill = [&](Matrix& rows, double offset) {
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      for (std::size_t k = 0; k < 10; ++k) {
        const auto weight = static_cast<float>(rng.normal());
        for (std::size_t j = 0; j < 160; ++j) rows(i, j) += weight * mixing(k, j);
      }
      for (std::size_t j = 0; j < 160; ++j) rows(i, j) += static_cast<float>(0.7 * rng.normal() + offset);
    }
  };
  fill(points, 40);
  fill(queries, 40);
  for (std::size_t j = 0; j < 160; ++j) {
    points(7, j) = points(1900, j);  // equal points: the earlier one first
    queries(0, j) = points(1900, j);
    queries(1, j) = static_cast<float>(40 + 9 * rng.normal());  // far from all, in all directions
  }
  const NeighbourIndex index(points, Metric::euclidean, 2);
  const Neighbours found = index.find(queries, 9);
  for (std::size_t i = 0; i < queries.rows(); ++i) {
    std::vector<std::pair<double, std::size_t>> all;
    for (std::size_t j = 0; j < points.rows(); ++j) {
      double sum = 0;
      for (std::size_t c = 0; c < 160; ++c) sum += std::pow(static_cast<double>(queries(i, c)) - points(j, c), 2);
      all.emplace_back(std::sqrt(sum), j);
    }
    std::ranges::sort(all);
    for (std::size_t n = 0; n < 9; ++n) {
      EXPECT_NEAR(found.distance[i * 9 + n], all[n].first, 1e-9) << i;
      if (n > 0 && all[n].first - all[n - 1].first < 1e-9) continue;
      EXPECT_EQ(found.index[i * 9 + n], all[n].second) << i;
    }
  }
  EXPECT_EQ(found.index[0], 7);
  EXPECT_EQ(found.index[1], 1900);
}

TEST(Neighbours, AtDistanceZeroDecideAloneWhenDistancesWeigh) {
  Clusters data{Matrix(4, 1, {0, 1, 1.1f, 1.2f}), {0, 1, 1, 1}};
  const auto classifier = fitted("knn", data, 2, {{"n_neighbors", "4"}, {"weights", "distance"}});
  EXPECT_EQ(classifier->predict_probabilities(Matrix(1, 1, {0}))(0, 0), 1);
}

TEST(LogisticRegression, MinimisesLiblinearsObjectiveOneAgainstTheRest) {
  const Clusters data = make_clusters(300, 4, 3, 0.7);
  const auto classifier = fitted("logreg", data, 3, {{"solver", "liblinear"}, {"tol", "1e-6"}});
  // At the minimum the penalised intercept balances the residuals: sum_i (p_i - y_i) + b / C = 0 for each class.
  TensorArchive archive;
  classifier->save(archive, "");
  const auto weights = archive.doubles("weights", 3 * 5);
  for (std::size_t k = 0; k < 3; ++k) {
    double residual = weights[k * 5 + 4];
    for (std::size_t i = 0; i < 300; ++i) {
      double score = weights[k * 5 + 4];
      for (std::size_t j = 0; j < 4; ++j) score += weights[k * 5 + j] * data.examples(i, j);
      residual += 1 / (1 + std::exp(-score)) - (data.labels[i] == static_cast<int>(k));
    }
    EXPECT_NEAR(residual, 0, 300 * 2e-6);
  }
}

TEST(LogisticRegression, FindsTheSameWeightsInATableWithMoreColumnsThanRows) {
  const Clusters data = make_clusters(60, 12, 3, 0.7);
  Clusters wide{Matrix(60, 9000),
                data.labels};  // the same columns, and so many zero columns that it solves for the rows
  for (std::size_t i = 0; i < 60; ++i)
    for (std::size_t j = 0; j < 12; ++j) wide.examples(i, 700 * j) = data.examples(i, j);
  for (const char* solver : {"lbfgs", "liblinear"}) {
    const Parameters parameters = {{"solver", solver}, {"tol", "1e-6"}, {"max_iter", "1000"}};
    const Matrix expected = fitted("logreg", data, 3, parameters)->predict_probabilities(data.examples);
    const Matrix found = fitted("logreg", wide, 3, parameters)->predict_probabilities(wide.examples);
    EXPECT_LT(largest_difference(found, expected), 1e-4) << solver;
  }
}

TEST(SupportVectorMachine, IsTheSameForWholePairwiseAndCachedKernels) {
  const Clusters data = make_clusters(300, 4, 3, 0.7);
  // 300 x 300 floats are 0.36 MB: the whole matrix; 100 + 100 per pair: 0.16 MB; else row by row.
  const auto whole = fitted("svm", data, 3);
  const Matrix expected = whole->predict_probabilities(data.examples);
  const Clusters large = make_clusters(2400, 4, 3, 0.7);
  const Matrix by_whole = fitted("svm", large, 3)->predict_probabilities(data.examples);
  const Matrix by_pair = fitted("svm", large, 3, {{"cache_size", "12"}})->predict_probabilities(data.examples);
  const Matrix by_row = fitted("svm", large, 3, {{"cache_size", "1"}})->predict_probabilities(data.examples);
  // A product's rounding depends on its blocks, so steps may differ within the tolerance of the solution.
  EXPECT_LT(largest_difference(by_whole, by_pair), 0.01);
  EXPECT_LT(largest_difference(by_whole, by_row), 0.01);
  EXPECT_LT(mean_difference(by_whole, by_row), 1e-3);
  EXPECT_EQ(expected.rows(), 300);
}

TEST(SupportVectorMachine, PredictsSharesOfVotesWithoutCalibration) {
  const Clusters data = make_clusters(90, 4, 3, 2.0);
  const auto classifier = fitted("svm", data, 3, {{"probability", "false"}});
  const Matrix shares = classifier->predict_probabilities(data.examples);
  EXPECT_EQ(classifier->predict(data.examples), fitted("svm", data, 3)->predict(data.examples));
  for (float value : shares.values()) EXPECT_NEAR(value * 3, std::round(value * 3), 1e-5);
}

TEST(SupportVectorMachine, ReachesTheOptimumOnManyFreeExamples) {
  // A linear kernel of high rank: the active-set solver must find the optimum of the pairwise steps.
  const Clusters data = make_clusters(400, 60, 2, 0.15);
  const Parameters loose = {{"kernel", "linear"}, {"probability", "false"}};
  Parameters tight = loose;
  tight["tol"] = "1e-6";
  TensorArchive archive;
  const auto classifier = fitted("svm", data, 2, tight);
  classifier->save(archive, "");
  // The KKT conditions: y f(x) >= 1 for alpha = 0, = 1 within the bounds, <= 1 for alpha = C.
  const Matrix support = archive.matrix("support_vectors", 60), weights = archive.matrix("dual_coefficients", 1);
  double sum = 0, worst = 0;
  std::vector<double> normal(60);
  for (std::size_t i = 0; i < support.rows(); ++i) {
    sum += weights(i, 0);
    for (std::size_t j = 0; j < 60; ++j) normal[j] += weights(i, 0) * support(i, j);
  }
  const double rho = archive.doubles("rho", 1)[0];
  for (std::size_t i = 0; i < support.rows(); ++i) {
    double decision = -rho;
    for (std::size_t j = 0; j < 60; ++j) decision += normal[j] * support(i, j);
    const double alpha = std::abs(weights(i, 0)), margin = weights(i, 0) > 0 ? decision : -decision;
    worst = std::max(worst, alpha < 1 ? std::abs(margin - 1) : margin - 1);
  }
  EXPECT_NEAR(sum, 0, 1e-3);
  EXPECT_LT(worst, 1e-3);
  EXPECT_GT(share_equal(classifier->predict(data.examples), fitted("svm", data, 2, loose)->predict(data.examples)),
            0.99);
}

TEST(Voting, IsTheWeightedMeanOfItsMembers) {
  const Clusters data = make_clusters(90, 3, 3, 1.0);
  const auto both =
      fitted("voting", data, 3, {{"estimators", "gnb,knn"}, {"weights", "1,3"}, {"knn.n_neighbors", "9"}});
  const Matrix voted = both->predict_probabilities(data.examples);
  const Matrix gnb = fitted("gnb", data, 3)->predict_probabilities(data.examples);
  const Matrix knn = fitted("knn", data, 3, {{"n_neighbors", "9"}})->predict_probabilities(data.examples);
  for (std::size_t k = 0; k < voted.values().size(); ++k)
    EXPECT_NEAR(voted.values()[k], (gnb.values()[k] + 3 * knn.values()[k]) / 4, 1e-6);
}

TEST(Voting, RefusesInvalidMembersAndWeights) {
  const auto of = [](const Parameters& parameters) {
    return error_message([&] { make_classifier("voting", parameters, 1); });
  };
  EXPECT_THAT(of({{"estimators", "gnb,nonsense"}}), HasSubstr("no classifier 'nonsense'"));
  EXPECT_THAT(of({{"estimators", "gnb,voting"}}), HasSubstr("member of itself"));
  EXPECT_THAT(of({{"estimators", "gnb,zeroshot"}}), HasSubstr("'zeroshot' cannot be a member"));
  std::string many = "gnb";
  for (int i = 0; i < 100; ++i) many += ",gnb";
  EXPECT_THAT(of({{"estimators", many}}), HasSubstr("has 101 members, and at most 100"));
  EXPECT_THAT(of({{"estimators", "gnb"}, {"svm.C", "1"}}), HasSubstr("names no member"));
  EXPECT_THAT(of({{"estimators", "gnb"}, {"gnb.colour", "1"}}), HasSubstr("no parameter 'colour'"));
  EXPECT_THAT(of({{"weights", "1,2"}}), HasSubstr("give 3 numbers"));
}

TEST(QuadraticDiscriminant, SuggestsARemedyForASingularCovariance) {
  Clusters data = make_clusters(60, 3, 2, 1.0);
  for (std::size_t i = 0; i < 60; ++i) data.examples(i, 1) = data.examples(i, 0);
  EXPECT_THAT(error_message([&] { fitted("qda", data, 2); }), HasSubstr("raise reg_param"));
}

TEST(Perceptron, SeparatesClassesThatAreNotLinearlySeparable) {
  Clusters data{Matrix(400, 2), {}};
  Rng rng(4);
  for (std::size_t i = 0; i < 400; ++i) {
    for (std::size_t j = 0; j < 2; ++j) data.examples(i, j) = static_cast<float>(rng.normal());
    data.labels.push_back(data.examples(i, 0) * data.examples(i, 1) > 0);
  }
  for (const char* activation : {"relu", "tanh", "logistic"}) {
    const Parameters parameters = {{"hidden_layer_sizes", "20,10"},
                                   {"activation", activation},
                                   {"learning_rate_init", "0.02"},
                                   {"max_iter", "300"}};
    EXPECT_GT(share_equal(fitted("mlp", data, 2, parameters)->predict(data.examples), data.labels), 0.95) << activation;
  }
}

TEST(RandomForest, ReproducesItsTrainingExamplesWithoutBootstrap) {
  const Clusters data = make_clusters(150, 4, 3, 0.3);
  const auto whole = fitted("forest", data, 3, {{"n_estimators", "3"}, {"bootstrap", "false"}});
  EXPECT_EQ(whole->predict(data.examples), data.labels);
  const auto stump = fitted("forest", data, 3, {{"n_estimators", "1"}, {"max_depth", "1"}, {"max_features", "all"}});
  std::set<std::vector<float>> leaves;
  const Matrix shares = stump->predict_probabilities(data.examples);
  for (std::size_t i = 0; i < shares.rows(); ++i) leaves.emplace(shares.row(i).begin(), shares.row(i).end());
  EXPECT_EQ(leaves.size(), 2);
}

TEST(DecisionTree, ReproducesItsTrainingExamplesAndRespectsItsLimits) {
  const Clusters data = make_clusters(150, 4, 3, 0.3);
  EXPECT_EQ(fitted("tree", data, 3)->predict(data.examples), data.labels);
  const auto leaves_of = [&](const Parameters& parameters) {
    const Matrix shares = fitted("tree", data, 3, parameters)->predict_probabilities(data.examples);
    std::set<std::vector<float>> leaves;
    for (std::size_t i = 0; i < shares.rows(); ++i) leaves.emplace(shares.row(i).begin(), shares.row(i).end());
    return leaves.size();
  };
  EXPECT_EQ(leaves_of({{"max_depth", "1"}}), 2);
  EXPECT_LE(leaves_of({{"max_depth", "3"}}), 8);
  EXPECT_LE(leaves_of({{"min_samples_leaf", "50"}}), 3);
  EXPECT_EQ(leaves_of({{"min_samples_split", "151"}}), 1);
}

TEST(DecisionTree, SplitsTablesWithMoreDifferentValuesThanSixteenBitsCount) {
  const std::size_t rows = 70'000;  // ranks have 32 bits, and the small nodes few rows of many
  Clusters data{Matrix(rows, 2), std::vector<int>(rows)};
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t place = i * 4099 % rows;  // every value once, in another order
    data.examples(i, 0) = static_cast<float>(place) - 1000;
    data.examples(i, 1) = static_cast<float>(i % 3);
    data.labels[i] = place % 23'000 < 50 ? 1 : 0;
  }
  EXPECT_EQ(fitted("tree", data, 2)->predict(data.examples), data.labels);
}

TEST(DecisionTree, DrawsAmongEqualSplitsFromItsSeed) {
  Clusters data = make_clusters(60, 1, 2, 0.5);
  Matrix twice(60, 2);
  for (std::size_t i = 0; i < 60; ++i) twice(i, 0) = twice(i, 1) = data.examples(i, 0);
  data.examples = twice;
  Matrix apart(2, 2);  // the second column contradicts the first
  apart(0, 0) = apart(1, 1) = 100;
  apart(0, 1) = apart(1, 0) = -100;
  std::set<int> predictions;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Parameters stump = {{"max_depth", "1"}};
    EXPECT_EQ(fitted("tree", data, 2, stump, seed)->predict(apart),
              fitted("tree", data, 2, stump, seed)->predict(apart));
    predictions.insert(fitted("tree", data, 2, stump, seed)->predict(apart)[0]);
  }
  EXPECT_EQ(predictions.size(), 2);
}

TEST(AdaBoost, SeparatesWithManyStumpsWhatOneCannot) {
  Clusters data;  // the middle of a line against both ends
  data.examples = Matrix(90, 1);
  for (std::size_t i = 0; i < 90; ++i) {
    data.examples(i, 0) = static_cast<float>(i);
    data.labels.push_back(i / 30 == 1);
  }
  EXPECT_LT(share_equal(fitted("adaboost", data, 2, {{"n_estimators", "1"}})->predict(data.examples), data.labels),
            0.7);
  EXPECT_EQ(fitted("adaboost", data, 2)->predict(data.examples), data.labels);
}

TEST(AdaBoost, ThrowsWhereNoTreeIsBetterThanAGuess) {
  for (const int labels : {2, 3, 7})
    for (int rows = labels; rows < 50; rows += labels) {
      Clusters data;
      data.examples = Matrix(static_cast<std::size_t>(rows), 2);  // all examples are equal
      for (int i = 0; i < rows; ++i) data.labels.push_back(i % labels);
      EXPECT_THAT(error_message([&] { fitted("adaboost", data, labels); }), HasSubstr("better than a guess")) << rows;
    }
}

TEST(GradientBoosting, RefusesTreesWithValuesThatAreNotFinite) {
  const Clusters data = make_clusters(60, 3, 2, 20.0);
  EXPECT_THAT(error_message([&] {
                fitted("xgboost", data, 2, {{"learning_rate", "3e38"}, {"n_estimators", "1"}});
              }),
              HasSubstr("lower learning_rate"));
}

TEST(AdaBoost, StopsAtATreeWithoutError) {
  const Clusters data = make_clusters(60, 3, 2, 20.0);
  const auto one = fitted("adaboost", data, 2, {{"max_depth", "3"}, {"n_estimators", "1"}});
  const auto many = fitted("adaboost", data, 2, {{"max_depth", "3"}, {"n_estimators", "40"}});
  EXPECT_EQ(one->predict_probabilities(data.examples).values().size(), 120u);
  EXPECT_TRUE(std::ranges::equal(one->predict_probabilities(data.examples).values(),
                                 many->predict_probabilities(data.examples).values()));
}

TEST(Classifiers, StayFiniteForParametersAtTheLimitsOfTheirRanges) {
  const Clusters data = make_clusters(80, 4, 3, 1.0);
  const std::pair<const char*, Parameters> cases[] = {
      {"svm", {{"C", "1e-9"}}},
      {"svm", {{"C", "1e6"}, {"kernel", "linear"}}},
      {"svm", {{"gamma", "1e9"}}},
      {"svm", {{"gamma", "1e-9"}}},
      {"svm", {{"kernel", "poly"}, {"degree", "20"}, {"probability", "false"}}},
      {"logreg", {{"C", "1e-9"}}},
      {"logreg", {{"C", "1e9"}}},
      {"linearsvc", {{"C", "1e-9"}}},
      {"knn", {{"n_neighbors", "80"}, {"weights", "distance"}}},
      {"gnb", {{"var_smoothing", "0"}}},
      {"lda", {{"tol", "1e-12"}}},
      {"qda", {{"reg_param", "1"}}}};
  for (const auto& [kind, parameters] : cases) {
    const Matrix probabilities = fitted(kind, data, 3, parameters)->predict_probabilities(data.examples);
    for (float value : probabilities.values())
      ASSERT_TRUE(value >= 0 && value <= 1) << kind << " " << parameters.begin()->second;
  }
}

TEST(SupportVectorMachine, IsFittedOnRowsThatAreAllEqual) {
  const Clusters data{Matrix(30, 4, std::vector<float>(120, 0.5f)), [] {
                        std::vector<int> labels(30, 0);
                        std::fill(labels.begin() + 20, labels.end(), 1);
                        return labels;
                      }()};
  for (const char* kernel : {"linear", "poly", "rbf", "sigmoid"})
    EXPECT_EQ(fitted("svm", data, 2, {{"kernel", kernel}})->predict(data.examples), std::vector<int>(30, 0)) << kernel;
}

TEST(SupportVectorMachine, IsFittedOnOneExampleOfALabel) {
  const Clusters data{Matrix(3, 1, {0, 1, 5}), {0, 0, 1}};
  const auto classifier = fitted("svm", data, 2);
  EXPECT_EQ(classifier->predict(data.examples), data.labels);
}

TEST(Classifiers, GiveLabelsWithoutExamplesTheProbabilityZero) {
  Clusters data = make_clusters(60, 4, 2, 0.3);
  for (int& label : data.labels) label = 3 * label + 1;
  for (const char* kind : {"gnb", "logreg", "svm", "forest"}) {
    const Predictions found = fitted(kind, data, 6)->predict_with_probabilities(data.examples);
    for (std::size_t i = 0; i < data.labels.size(); ++i) {
      const auto row = found.probabilities.row(i);
      EXPECT_NEAR(row[1] + row[4], 1, 1e-5) << kind;
      EXPECT_EQ(row[0] + row[2] + row[3] + row[5], 0) << kind;
      EXPECT_GT(row[static_cast<std::size_t>(found.labels[i])], 0) << kind;
    }
  }
}

TEST(Classifiers, StopWhenInterrupted) {
  const Clusters data = make_clusters(300, 4, 3, 0.7);
  request_interrupt();
  EXPECT_THROW(fitted("logreg", data, 3), Interrupted);
  EXPECT_THROW(fitted("svm", data, 3), Interrupted);
  clear_interrupt();
}

}  // namespace
}  // namespace genrewise
