#include "genrewise/evaluation/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "genrewise/base/error.hpp"
#include "genrewise/base/random.hpp"
#include "support/golden.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::matrix_of;

const json& golden() {
  static const json figures = testing::read_golden("study/metrics.json");
  return figures;
}

Predictions golden_predictions() {
  return {golden().at("predicted").get<std::vector<int>>(), matrix_of(golden().at("probabilities"))};
}

TEST(Metrics, EqualScikitLearns) {
  const auto truth = golden().at("truth").get<std::vector<int>>();
  const Metrics metrics = measure(truth, golden_predictions(), {}, kDefaultSeed);
  constexpr double kExact = 1e-12;
  constexpr double kFloatLogarithms = 1e-6;  // scikit-learn computes logarithms of float32 in float32
  EXPECT_NEAR(metrics.accuracy.value, golden().at("accuracy"), kExact);
  EXPECT_NEAR(metrics.macro_f1, golden().at("macro_f1"), kExact);
  EXPECT_NEAR(metrics.balanced_accuracy, golden().at("balanced_accuracy"), kExact);
  EXPECT_NEAR(metrics.log_loss, golden().at("log_loss"), kFloatLogarithms);
  ASSERT_EQ(metrics.top_k.size(), golden().at("top_k").size());
  for (std::size_t k = 0; k < metrics.top_k.size(); ++k) {
    EXPECT_NEAR(metrics.top_k[k].value, golden()["top_k"][k], kExact) << "k = " << k + 1;
  }
  ASSERT_EQ(metrics.genres.size(), golden().at("support").size());
  for (std::size_t g = 0; g < metrics.genres.size(); ++g) {
    EXPECT_NEAR(metrics.genres[g].precision, golden()["precision"][g], kExact) << "genre " << g;
    EXPECT_NEAR(metrics.genres[g].recall, golden()["recall"][g], kExact) << "genre " << g;
    EXPECT_NEAR(metrics.genres[g].f1, golden()["f1"][g], kExact) << "genre " << g;
    EXPECT_EQ(metrics.genres[g].examples, golden()["support"][g].get<std::size_t>()) << "genre " << g;
  }
  EXPECT_EQ(json(metrics.confusion), golden().at("confusion"));
}

TEST(Metrics, OfAPerfectModelArePerfectAndFinite) {
  const std::vector<int> truth = {0, 1};
  const Metrics metrics = measure(truth, {{0, 1}, Matrix(2, 2, {1, 0, 0, 1})}, {}, kDefaultSeed);
  EXPECT_EQ(metrics.accuracy.value, 1);
  EXPECT_EQ(metrics.accuracy.high, 1);
  EXPECT_LT(metrics.accuracy.low, 0.5);  // two examples give a wide interval
  EXPECT_EQ(metrics.macro_f1, 1);
  EXPECT_NEAR(metrics.log_loss, 0, 1e-6);
}

TEST(Metrics, UseLabelsForAccuracyAndProbabilitiesForRanks) {
  // A support vector machine may predict another label than its most probable one.
  const std::vector<int> truth = {0};
  const Metrics metrics = measure(truth, {{0}, Matrix(1, 3, {0.3F, 0.6F, 0.1F})}, {}, kDefaultSeed);
  EXPECT_EQ(metrics.accuracy.value, 1);
  ASSERT_EQ(metrics.top_k.size(), 2u);
  EXPECT_EQ(metrics.top_k[0].value, 0);
  EXPECT_EQ(metrics.top_k[1].value, 1);
}

TEST(Metrics, RefuseProbabilitiesThatAreNotFinite) {
  const std::vector<int> truth = {0, 1};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(testing::error_message([&] {
                measure(truth, {{0, 1}, Matrix(2, 2, {1, 0, nan, nan})}, {}, 1);
              }),
              HasSubstr("not finite"));
}

TEST(Metrics, RefuseNoExamplesAndUnequalSizes) {
  EXPECT_THROW(measure({}, {{}, Matrix(0, 2)}, {}, kDefaultSeed), Error);
  const std::vector<int> truth = {0, 1};
  EXPECT_THROW(measure(truth, {{0}, Matrix(2, 2)}, {}, kDefaultSeed), Error);
  EXPECT_THROW(measure(truth, {{0, 1}, Matrix(1, 2)}, {}, kDefaultSeed), Error);
  const std::vector<std::string> groups = {"a"};
  EXPECT_THROW(measure(truth, {{0, 1}, Matrix(2, 2)}, groups, kDefaultSeed), Error);
}

TEST(WilsonScore, EqualsScipys) {
  for (const json& row : golden().at("wilson")) {
    const Score score = wilson_score(row.at("hits"), row.at("n"));
    EXPECT_NEAR(score.low, row.at("low"), 1e-12) << row;
    EXPECT_NEAR(score.high, row.at("high"), 1e-12) << row;
  }
}

TEST(WilsonScore, OfNoExamplesIsTheWholeRange) {
  const Score score = wilson_score(0, 0);
  EXPECT_EQ(score.low, 0);
  EXPECT_EQ(score.high, 1);
}

TEST(Mcnemar, EqualsTheExactBinomialTestOfScipy) {
  for (const json& row : golden().at("mcnemar")) {
    std::vector<bool> first, second;
    for (int i = 0; i < row.at("only_first").get<int>(); ++i) first.push_back(true), second.push_back(false);
    for (int i = 0; i < row.at("only_second").get<int>(); ++i) first.push_back(false), second.push_back(true);
    for (int i = 0; i < 5; ++i) first.push_back(i % 2 == 0), second.push_back(i % 2 == 0);  // ties do not count
    EXPECT_NEAR(mcnemar(first, second).p_value, row.at("p_value"), 1e-9) << row;
  }
}

TEST(ClusterBootstrap, IsWiderThanWilsonWhenGroupsAreRightOrWrongTogether) {
  std::vector<bool> hits;
  std::vector<std::string> groups;
  for (int group = 0; group < 20; ++group) {
    for (int i = 0; i < 10; ++i) {
      hits.push_back(group % 2 == 0);
      groups.push_back("artist " + std::to_string(group));
    }
  }
  const auto interval = cluster_bootstrap(hits, groups, kDefaultSeed).interval;
  ASSERT_TRUE(interval);
  EXPECT_EQ(interval->groups, 20u);
  // The share of right groups among 20 drawn is binomial: its standard deviation is 0.112.
  EXPECT_NEAR(interval->low, 0.5 - 1.96 * 0.112, 0.03);
  EXPECT_NEAR(interval->high, 0.5 + 1.96 * 0.112, 0.03);
  const Score wilson = wilson_score(100, 200);
  EXPECT_LT(interval->low, wilson.low - 0.1);
}

/// `per_group` examples of each of `count` groups.
std::vector<std::string> groups_of_equal_size(std::size_t count, std::size_t per_group) {
  std::vector<std::string> groups;
  for (std::size_t i = 0; i < count * per_group; ++i) groups.push_back("artist " + std::to_string(i / per_group));
  return groups;
}

TEST(ClusterBootstrap, IsTheSameForTheSameSeed) {
  const auto groups = groups_of_equal_size(12, 2);
  std::vector<bool> hits(groups.size());
  for (std::size_t i = 0; i < hits.size(); ++i) hits[i] = i % 3 == 0;
  const auto one = cluster_bootstrap(hits, groups, 1).interval, again = cluster_bootstrap(hits, groups, 1).interval;
  ASSERT_TRUE(one && again);
  EXPECT_EQ(one->low, again->low);
  EXPECT_EQ(one->high, again->high);
  const std::vector<std::vector<float>> columns = {{hits.begin(), hits.end()}};
  EXPECT_NE(bootstrap_means(columns, groups, 1), bootstrap_means(columns, groups, 2));
}

TEST(ClusterBootstrap, IsWithheldWithItsReasonWhereResamplingIsDegenerate) {
  const auto withheld = [](std::size_t groups, std::size_t per_group, std::size_t mistakes) {
    const auto names = groups_of_equal_size(groups, per_group);
    std::vector<bool> hits(names.size(), true);
    for (std::size_t i = 0; i < mistakes; ++i) hits[i * per_group] = false;
    const GroupedEstimate estimate = cluster_bootstrap(hits, names, kDefaultSeed);
    EXPECT_EQ(estimate.interval.has_value(), estimate.withheld.empty());
    return estimate.withheld;
  };
  EXPECT_THAT(withheld(1, 2, 1), HasSubstr("needs 10 artists (albums or files), the test part has 1"));
  EXPECT_THAT(withheld(9, 5, 6), HasSubstr("has 9"));
  EXPECT_THAT(withheld(20, 1, 10), HasSubstr("no artist"));       // Wilson's interval applies
  EXPECT_THAT(withheld(10, 5, 0), HasSubstr("all but 0 of 10"));  // all are right: the interval would be 100 - 100
  EXPECT_THAT(withheld(10, 5, 1), HasSubstr("all but 1 of 10"));
  EXPECT_THAT(withheld(10, 5, 4), HasSubstr("all but 4 of 10"));
  EXPECT_EQ(withheld(10, 5, 5), "");
}

TEST(BootstrapMeans, UseTheSameDrawsForAllColumns) {
  const auto groups = groups_of_equal_size(15, 2);
  std::vector<float> first, second;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    first.push_back(static_cast<float>(i % 4));
    second.push_back(1 + static_cast<float>(i % 4));
  }
  const auto means = bootstrap_means({first, second}, groups, kDefaultSeed, 50);
  ASSERT_EQ(means.size(), 2u);
  ASSERT_EQ(means[0].size(), 50u);
  for (std::size_t round = 0; round < 50; ++round) EXPECT_NEAR(means[1][round] - means[0][round], 1, 1e-12);
}

TEST(Holm, EqualsTheStepDownProcedureByHand) {
  // Sorted: 0.005 * 4, 0.01 * 3, 0.03 * 2, then 0.04 * 1, which may not be below its predecessor.
  const std::vector<double> adjusted = holm({0.01, 0.04, 0.03, 0.005}), expected = {0.03, 0.06, 0.06, 0.02};
  ASSERT_EQ(adjusted.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(adjusted[i], expected[i], 1e-15);
  EXPECT_EQ(holm({0.6, 0.7}), (std::vector<double>{1, 1}));
  EXPECT_TRUE(holm({}).empty());
}

TEST(Metrics, CountACertainMistakeAsTheLogarithmOfTheSmallestFloatStep) {
  constexpr double kEpsilon = std::numeric_limits<float>::epsilon();
  const auto loss = [](float truth) {
    const std::vector<int> label = {0};
    return measure(label, {{0}, Matrix(1, 2, {truth, 1 - truth})}, {}, 1).log_loss;
  };
  EXPECT_NEAR(loss(0), -std::log(kEpsilon), 1e-12);
  EXPECT_NEAR(loss(1), -std::log1p(-kEpsilon), 1e-15);
  EXPECT_GT(loss(1), 0);
}

TEST(Metrics, AverageOnlyOverGenresThatOccur) {
  // Genre 2 is neither in the test part nor predicted; genre 1 is only predicted.
  const std::vector<int> truth = {0, 0};
  const Metrics metrics = measure(truth, {{0, 1}, Matrix(2, 3, {1, 0, 0, 0, 1, 0})}, {}, 1);
  EXPECT_EQ(metrics.genres[1].predicted, 1u);
  EXPECT_NEAR(metrics.macro_f1, (2.0 / 3 + 0) / 2, 1e-12);
  EXPECT_EQ(metrics.balanced_accuracy, 0.5);
}

TEST(Metrics, GiveTopKUpToFiveAndBelowTheNumberOfGenres) {
  const auto depth = [](std::size_t genres) {
    const std::vector<int> truth = {0};
    return measure(truth, {{0}, Matrix(1, genres)}, {}, 1).top_k.size();
  };
  EXPECT_EQ(depth(2), 1u);
  EXPECT_EQ(depth(6), 5u);
  EXPECT_EQ(depth(9), 5u);
}

TEST(Metrics, RankEqualProbabilitiesByTheOrderOfTheGenres) {
  const auto first = [](int truth) {
    return measure(std::vector<int>{truth}, {{0}, Matrix(1, 3, {0.4F, 0.4F, 0.2F})}, {}, 1).top_k.front().value;
  };
  EXPECT_EQ(first(0), 1);
  EXPECT_EQ(first(1), 0);
}

TEST(Metrics, HaveAnIntervalOverGroupsOnlyIfThereAreGroups) {
  std::vector<int> truth, predicted;
  std::vector<std::string> groups;
  for (int i = 0; i < 60; ++i) {
    truth.push_back(i % 2);
    predicted.push_back(i % 3 == 0 ? 0 : i % 2);
    groups.push_back(std::to_string(i / 3));
  }
  const Predictions predictions{predicted, Matrix(60, 2, std::vector<float>(120, 0.5F))};
  const Metrics with = measure(truth, predictions, groups, 7), without = measure(truth, predictions, {}, 7);
  ASSERT_TRUE(with.over_groups);
  const auto expected = cluster_bootstrap(hits_of(truth, predicted), groups, 7).interval;
  EXPECT_EQ(with.over_groups->low, expected->low);
  EXPECT_EQ(with.over_groups->high, expected->high);
  EXPECT_EQ(with.over_groups->groups, 20u);
  EXPECT_FALSE(without.over_groups);
  EXPECT_EQ(without.over_groups_withheld, "");
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = std::to_string(i / 30);
  EXPECT_THAT(measure(truth, predictions, groups, 7).over_groups_withheld, HasSubstr("has 2"));
}

TEST(Quantiles, AreInterpolatedBetweenTheirNeighbours) {
  const std::vector<double> values = {1, 2, 4, 8};
  EXPECT_EQ(quantile(values, 0), 1);
  EXPECT_EQ(quantile(values, 1), 8);
  EXPECT_EQ(quantile(values, 0.5), 3);
  EXPECT_NEAR(quantile(values, 0.9), 4 + 0.7 * 4, 1e-12);
  EXPECT_EQ(quantile({5}, 0.975), 5);
}

TEST(GroupedInterval, ExcludesTwoAndAHalfPercentOfTheMeansOnEachSide) {
  std::vector<double> means;
  for (int i = 1000; i >= 0; --i) means.push_back(i);
  std::vector<float> values;
  for (int i = 0; i < 20; ++i) values.push_back(static_cast<float>(i % 2));
  const auto interval = grouped_interval(values, groups_of_equal_size(10, 2), means, 5).interval;
  ASSERT_TRUE(interval);
  EXPECT_NEAR(interval->low, 25, 1e-9);
  EXPECT_NEAR(interval->high, 975, 1e-9);
  EXPECT_EQ(interval->groups, 10u);
}

TEST(BootstrapMeans, AreWeightedByTheSizesOfTheDrawnGroups) {
  // One group of one example with value 1 and one of three with value 0: a mean is 0, 1/4, or 1.
  const auto means = bootstrap_means({{1, 0, 0, 0}}, std::vector<std::string>{"a", "b", "b", "b"}, 3, 400).front();
  double sum = 0;
  for (const double mean : means) {
    EXPECT_TRUE(mean == 0 || mean == 0.25 || mean == 1) << mean;
    sum += mean;
  }
  EXPECT_NEAR(sum / 400, 0.25 * 1 + 0.5 * 0.25, 0.07);
  EXPECT_TRUE(bootstrap_means({{}}, {}, 3, 5).front().empty());
}

TEST(MetricsJson, ComesBackAndNamesTheGenresAndTheReasonOfAWithheldInterval) {
  Metrics metrics = measure(golden().at("truth").get<std::vector<int>>(), golden_predictions(), {}, 1);
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < metrics.genres.size(); ++i) labels.push_back("genre " + std::to_string(i));
  const json plain = to_json(metrics, labels);
  EXPECT_TRUE(plain.at("accuracy_over_groups").is_null());
  EXPECT_FALSE(plain.contains("accuracy_over_groups_withheld"));
  EXPECT_EQ(plain["top_k"][0]["k"], 1);
  EXPECT_EQ(plain["top_k"].back()["k"], metrics.top_k.size());
  EXPECT_EQ(plain["genres"].back()["genre"], labels.back());
  EXPECT_EQ(plain["genres"].size(), labels.size());
  metrics.over_groups_withheld = "why";
  const json withheld = to_json(metrics, labels);
  EXPECT_EQ(withheld.at("accuracy_over_groups_withheld"), "why");
  metrics.over_groups = {0.25, 0.75, 12};
  const json with = to_json(metrics, labels);
  EXPECT_FALSE(with.contains("accuracy_over_groups_withheld"));
  EXPECT_EQ(with.at("accuracy_over_groups"), json({{"low", 0.25}, {"high", 0.75}, {"groups", 12}}));
  for (const json& document : {plain, withheld, with})
    EXPECT_EQ(to_json(metrics_from_json(document), labels), document);
}

}  // namespace
}  // namespace genrewise
