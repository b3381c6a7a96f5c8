#include "genrewise/study/tuning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/study/selection.hpp"
#include "study_data.hpp"

namespace genrewise {
namespace {

using testing::clusters;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kThree = {"Blues", "Jazz", "Rock"};

TuningConfig knn_search() {
  TuningConfig config;
  config.kind = "knn";
  config.axes = {parse_axis("k=1:15:7")};
  return config;
}

TEST(ParseAxis, UnderstandsRangesPowersAndLists) {
  EXPECT_EQ(parse_axis("n_neighbors=1:96:5").values.size(), 20u);
  EXPECT_EQ(parse_axis("n_neighbors=1:96:5").values.back(), "96");
  EXPECT_THAT(parse_axis("k=3:5").values, ElementsAre("3", "4", "5"));
  EXPECT_EQ(parse_axis("k=3:5").parameter, "n_neighbors");
  EXPECT_THAT(parse_axis("C=log:-1:1:3").values, ElementsAre("0.1", "1", "10"));
  EXPECT_THAT(parse_axis("C=0.1:0.3:0.1").values, ElementsAre("0.1", "0.2", "0.3"));
  EXPECT_THAT(parse_axis("gamma=scale,0.5").values, ElementsAre("scale", "0.5"));
}

TEST(ParseAxis, RefusesWhatNeverEndsOrIsNoNumber) {
  for (const char* wrong : {"k", "k=", "k=1:2:0", "k=5:1:1", "k=1:2:-1", "k=a:b", "k=1:2:3:4", "C=log:1:2:1",
                            "C=log:1:2:2.5", "k=1,,3", "k=1:inf:2", "k=1:1e9:1", "=3"}) {
    EXPECT_THROW(parse_axis(wrong), Error) << wrong;
  }
}

TEST(StudyGrid, IsThatOfTheStudy) {
  EXPECT_EQ(study_grid("knn")[0].values.size(), 20u);
  EXPECT_EQ(study_grid("gnb")[0].values.size(), 20u);
  EXPECT_EQ(study_grid("gnb")[0].values.front(), "1e-11");
  EXPECT_EQ(study_grid("svm")[0].values.size(), 4u);
  EXPECT_THROW(study_grid("oracle"), Error);
}

TEST(Tune, ScoresEveryPointOnEveryFoldAndFindsTheClusters) {
  Progress quiet;
  const TuningResult result = tune(clusters(kThree, 40, 0.15F), knn_search(), quiet);
  ASSERT_EQ(result.points.size(), 3u);
  for (const TuningPoint& point : result.points) {
    EXPECT_EQ(point.fold_accuracy.size(), 5u);
    EXPECT_GT(point.accuracy, 0.9);
    EXPECT_TRUE(point.error.empty());
  }
}

TEST(Tune, GivesTheSameNumbersForAnyNumberOfThreads) {
  Progress quiet;
  const Examples examples = clusters(kThree, 40, 0.6F);
  const int budget = thread_budget();
  std::vector<std::vector<double>> seen;
  for (const int threads : {1, 4}) {
    set_thread_budget(threads);
    std::vector<double> scores;
    for (const TuningPoint& point : tune(examples, knn_search(), quiet).points) {
      scores.insert(scores.end(), point.fold_accuracy.begin(), point.fold_accuracy.end());
      scores.insert(scores.end(), point.fold_log_loss.begin(), point.fold_log_loss.end());
    }
    seen.push_back(scores);
  }
  set_thread_budget(budget);
  EXPECT_EQ(seen[0], seen[1]);
}

TEST(Tune, NeverPutsAnArtistOnBothSidesOfAFold) {
  // Each artist's two examples are equal and far from all others: a neighbour helps only where the artist is known.
  Examples examples = clusters(kThree, 40, 100.0F, 8);
  for (std::size_t i = 0; i < examples.table.values.rows(); ++i) {
    const std::size_t twin = i - i / kThree.size() % 2 * kThree.size();
    std::ranges::copy(examples.table.values.row(twin), examples.table.values.row(i).begin());
  }
  Progress quiet;
  TuningConfig config = knn_search();
  config.axes = {parse_axis("k=1,2")};
  EXPECT_LT(tune(examples, config, quiet).points[0].accuracy, 0.6);
  config.scheme = SplitScheme::random;
  EXPECT_GT(tune(examples, config, quiet).points[0].accuracy, 0.7);
}

TEST(Tune, OffersTheSimplestPointWithinOneStandardErrorOfTheBest) {
  Progress quiet;
  const TuningResult result = tune(clusters(kThree, 60, 0.05F), knn_search(), quiet);
  EXPECT_EQ(result.points[result.best].accuracy, 1);
  EXPECT_EQ(result.points[result.one_standard_error].parameters.at("n_neighbors"), "15");  // all are perfect
}

TEST(Tune, SearchesPreprocessingAndFeatureGroupsLikeParameters) {
  Examples examples = clusters(kThree, 40, 0.2F, 4);
  examples.table.columns = {
      {"good", "mean", "1"}, {"good", "mean", "2"}, {"noise", "mean", "1"}, {"noise", "mean", "2"}};
  Rng rng(5);
  for (std::size_t i = 0; i < examples.table.values.rows(); ++i) {
    for (std::size_t j = 2; j < 4; ++j) examples.table.values(i, j) = static_cast<float>(1000 * rng.normal());
  }
  TuningConfig config;
  config.kind = "knn";
  config.axes = {
      {"features", {"good", "noise", "all"}}, {"standardise", {"true", "false"}}, {"pca_components", {"0", "1"}}};
  Progress quiet;
  const TuningResult result = tune(examples, config, quiet);
  ASSERT_EQ(result.points.size(), 12u);
  EXPECT_EQ(result.points[result.best].parameters.at("features"), "good");
  EXPECT_GT(result.points[result.best].accuracy, 0.9);
  for (const TuningPoint& point : result.points) {
    if (point.parameters.at("features") == "noise") {
      EXPECT_LT(point.accuracy, 0.6);
    }
  }
}

TEST(Tune, DrawsRandomPointsBySeedWithoutRepeating) {
  Progress quiet;
  const Examples examples = clusters(kThree, 20, 0.3F);
  TuningConfig config = knn_search();
  config.axes = {parse_axis("k=1:20")};
  config.random_points = 5;
  const auto drawn = [&] {
    std::set<std::string> values;
    for (const TuningPoint& point : tune(examples, config, quiet).points)
      values.insert(point.parameters.at("n_neighbors"));
    return values;
  };
  const auto first = drawn();
  EXPECT_EQ(first.size(), 5u);
  EXPECT_EQ(first, drawn());
  config.seed = 43;
  EXPECT_NE(first, drawn());
}

TEST(Tune, KeepsFinishedPointsAndGoesOnAfterAnInterruption) {
  Progress quiet;
  const Examples examples = clusters(kThree, 20, 0.3F);
  std::vector<TuningPoint> kept;
  TuningStore store;
  store.keep = [&](const TuningPoint& point) {
    kept.push_back(tuning_point_from_json(to_json(point)));
    if (kept.size() == 1) request_interrupt();
  };
  store.find = [&](const Parameters& parameters) -> std::optional<TuningPoint> {
    for (const TuningPoint& point : kept) {
      if (point.parameters == parameters) return point;
    }
    return std::nullopt;
  };
  EXPECT_THROW(tune(examples, knn_search(), quiet, store), Interrupted);
  clear_interrupt();
  EXPECT_LT(kept.size(), 3u);
  const TuningResult result = tune(examples, knn_search(), quiet, store);
  EXPECT_EQ(kept.size(), 3u);
  const TuningResult whole = tune(examples, knn_search(), quiet);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(result.points[i].fold_accuracy, whole.points[i].fold_accuracy);
}

TEST(Tune, TellsOfAPointThatFailsAndFailsOnlyWhenAllDo) {
  Progress quiet;
  const Examples examples = clusters(kThree, 20, 0.3F);
  TuningConfig config = knn_search();
  config.axes = {parse_axis("k=3,100000")};
  const TuningResult result = tune(examples, config, quiet);
  EXPECT_FALSE(result.points[1].error.empty());
  EXPECT_EQ(result.best, 0u);
  config.axes = {parse_axis("k=100000,200000")};
  EXPECT_THROW(tune(examples, config, quiet), Error);
}

TEST(Tune, RefusesGridsThatMakeNoSense) {
  Progress quiet;
  const Examples examples = clusters(kThree, 20, 0.3F);
  TuningConfig config = knn_search();
  config.axes = {{"n_neighbors", {}}};
  EXPECT_THROW(tune(examples, config, quiet), Error);
  config.axes = {{"n_neighbors", {"1"}}, {"n_neighbors", {"2"}}};
  EXPECT_THROW(tune(examples, config, quiet), Error);
  config = knn_search();
  config.fixed = {{"n_neighbors", "3"}};
  EXPECT_THROW(tune(examples, config, quiet), Error);
  config = knn_search();
  config.folds = 1;
  EXPECT_THROW(tune(examples, config, quiet), Error);
  config = knn_search();
  config.axes = {{"features", {"loudness"}}};
  EXPECT_THROW(tune(examples, config, quiet), Error);
}

TEST(SelectFeatures, KeepsTheirColumnsAndMarksTheRecipe) {
  Examples examples = clusters(kThree, 2, 0.3F, 3);
  examples.table.columns = {{"mfcc", "mean", "01"}, {"zcr", "mean", "01"}, {"mfcc", "std", "01"}};
  const Examples mfcc = select_features(examples, "mfcc");
  ASSERT_EQ(mfcc.table.values.cols(), 2u);
  EXPECT_EQ(mfcc.table.values(1, 1), examples.table.values(1, 2));
  EXPECT_NE(mfcc.table.recipe, examples.table.recipe);
  EXPECT_EQ(select_features(examples, "zcr+mfcc").table.recipe, examples.table.recipe);  // all of them
  EXPECT_THAT(feature_names(examples.table.columns), ElementsAre("mfcc", "zcr"));
  try {
    select_features(examples, "mfcc+loudness");
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("zcr"));
  }
}

}  // namespace
}  // namespace genrewise
