#include "genrewise/study/tuning.hpp"
#include "genrewise/base/runtime.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <set>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/data_source/selection.hpp"
#include "support/clusters.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::clusters;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;

const std::vector<std::string> kThree = {"Blues", "Jazz", "Rock"};

TuningConfig knn_search() {
  TuningConfig config;
  config.kind = "knn";
  config.axes = {parse_axis("k=1:15:7")};
  return config;
}

TEST(PresetGrid, StudyIsTheGridOfTheStudy) {
  EXPECT_EQ(preset_grid("study", "knn", {})[0].values.size(), 20u);
  EXPECT_EQ(preset_grid("study", "gnb", {})[0].values.size(), 20u);
  EXPECT_EQ(preset_grid("study", "gnb", {})[0].values.front(), "1e-11");
  EXPECT_EQ(preset_grid("study", "svm", {})[0].values.size(), 4u);
  EXPECT_EQ(preset_grid("study", "mlp", {})[0].values.size(), 10u);
  EXPECT_THAT(preset_grid("study", "logreg", {})[0].values, ElementsAre("lbfgs", "liblinear"));
  EXPECT_THROW(preset_grid("study", "oracle", {}), Error);
  EXPECT_THROW(preset_grid("best", "knn", {}), Error);
}

TEST(PresetGrid, EveryPointOfEveryPresetIsValidForItsClassifier) {
  const std::vector<FeatureColumn> columns(60, {"mfcc", "mean", "01"});
  for (const std::string& preset : preset_names()) {
    for (const std::string& kind : classifier_kinds()) {
      TuningConfig config;
      config.kind = kind;
      try {
        config.axes = preset_grid(preset, kind, columns);
      } catch (const Error&) {
        continue;  // not every kind has this preset
      }
      EXPECT_NO_THROW(require_valid(config)) << preset << " " << kind;
    }
  }
}

TEST(PresetGrid, DerivesComponentsAndFeaturesFromTheColumns) {
  const std::vector<FeatureColumn> columns = {{"mfcc", "mean", "01"}, {"zcr", "mean", "01"}, {"mfcc", "std", "01"}};
  EXPECT_THAT(preset_grid("pca", "knn", columns)[0].values, ElementsAre("2", "0"));
  EXPECT_THAT(preset_grid("pca", "knn", std::vector<FeatureColumn>(101))[0].values,
              ElementsAre("2", "5", "10", "20", "50", "100", "0"));
  EXPECT_THAT(preset_grid("features", "knn", columns)[0].values, ElementsAre("mfcc", "zcr", "all"));
  EXPECT_THAT(preset_grid("scaling", "knn", columns)[0].values, ElementsAre("true", "false"));
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

/// All scores of a search, in order.
std::vector<double> scores_of(const TuningResult& result) {
  std::vector<double> scores;
  for (const TuningPoint& point : result.points) {
    scores.insert(scores.end(), point.fold_accuracy.begin(), point.fold_accuracy.end());
    scores.insert(scores.end(), point.fold_log_loss.begin(), point.fold_log_loss.end());
  }
  return scores;
}

struct Case {
  const char* kind;
  std::vector<GridAxis> axes;
};

const std::vector<Case> kSharingCases = {
    {"knn", {{"n_neighbors", {"15", "1", "4"}}, {"weights", {"uniform", "distance"}}}},
    {"svm", {{"C", {"0.1", "10"}}, {"gamma", {"scale", "0.5"}}}},
    {"svm", {{"kernel", {"linear", "poly"}}, {"C", {"0.1", "1"}}, {"pca_components", {"0", "3"}}}},
    {"logreg", {{"C", {"0.1", "1"}}, {"solver", {"lbfgs", "liblinear"}}}},
    {"mlp", {{"hidden_layer_sizes", {"3", "6"}}}},
};

TEST(Tune, GivesTheSameNumbersForAnyNumberOfThreads) {
  Progress quiet;
  const Examples examples = clusters(kThree, 40, 0.6F);
  const int budget = thread_budget();
  for (const Case& each : kSharingCases) {
    std::vector<std::vector<double>> seen;
    for (const int threads : {1, 2, 4, 7}) {  // 5 folds: none, some or all run alone at the end
      Runtime::current().set_threads(threads);
      TuningConfig config;
      config.kind = each.kind;
      config.axes = each.axes;
      seen.push_back(scores_of(tune(examples, config, quiet)));
    }
    for (const auto& scores : seen) EXPECT_EQ(scores, seen.front()) << each.kind;
  }
  Runtime::current().set_threads(budget);
}

TEST(Tune, GivesBitIdenticalNumbersWithAndWithoutSharedWork) {
  Progress quiet;
  const Examples examples = clusters(kThree, 40, 0.6F);
  for (const Case& each : kSharingCases) {
    TuningConfig config;
    config.kind = each.kind;
    config.axes = each.axes;
    const auto shared = scores_of(tune(examples, config, quiet));
    config.share = false;
    EXPECT_EQ(scores_of(tune(examples, config, quiet)), shared) << each.kind;
  }
}

TEST(Tune, GivesAPointTheSameNumbersInAnyGrid) {
  Progress quiet;
  const Examples examples = clusters(kThree, 40, 0.6F);
  TuningConfig config = knn_search();
  const TuningResult whole = tune(examples, config, quiet);
  config.axes = {{"n_neighbors", {"8"}}};
  const TuningResult alone = tune(examples, config, quiet);
  EXPECT_EQ(alone.points[0].fold_accuracy, whole.points[1].fold_accuracy);
  EXPECT_EQ(alone.points[0].fold_log_loss, whole.points[1].fold_log_loss);
}

TEST(Tune, NeverTrainsOnArtistsOfTheHeldOutFold) {
  // Each artist's two examples are equal and far from all others: neighbours help only if the artist is in training.
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

TEST(Tune, FindsTheSimplestPointWithinOneStandardErrorOfTheBest) {
  Progress quiet;
  const TuningResult result = tune(clusters(kThree, 60, 0.05F), knn_search(), quiet);
  EXPECT_EQ(result.points[result.best].accuracy, 1);
  EXPECT_EQ(result.points[result.one_standard_error].parameters.at("n_neighbors"), "15");  // all scores are perfect
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

TEST(Tune, KeepsFinishedFoldsAndContinuesAfterAnInterruption) {
  Progress quiet;
  const Examples examples = clusters(kThree, 20, 0.3F);
  std::map<std::pair<Parameters, int>, FoldScore> kept;
  std::size_t stop_after = 4;
  TuningStore store;
  store.keep = [&](const Parameters& parameters, int fold, const FoldScore& score) {
    EXPECT_TRUE(kept.emplace(std::pair(parameters, fold), nlohmann::json(score).get<FoldScore>()).second);
    if (kept.size() == stop_after) request_interrupt();
  };
  store.find = [&](const Parameters& parameters, int fold) -> std::optional<FoldScore> {
    const auto found = kept.find({parameters, fold});
    return found == kept.end() ? std::nullopt : std::optional(found->second);
  };
  EXPECT_THROW(tune(examples, knn_search(), quiet, store), Interrupted);
  clear_interrupt();
  EXPECT_GE(kept.size(), 4u);
  EXPECT_LT(kept.size(), 15u);
  stop_after = 0;
  const TuningResult result = tune(examples, knn_search(), quiet, store);
  EXPECT_EQ(kept.size(), 15u);
  EXPECT_EQ(scores_of(result), scores_of(tune(examples, knn_search(), quiet)));
}

TEST(Tune, SummarisesTheFoldsOfAPoint) {
  Progress quiet;
  TuningStore store;
  store.find = [](const Parameters& parameters, int fold) -> std::optional<FoldScore> {
    const double better = parameters.at("n_neighbors") == "8" ? 0.125 : 0;
    return FoldScore{0.25 * (fold + 1) + better, 0.5 * fold, 2.0 * fold, 1, {}};
  };
  TuningConfig config = knn_search();
  config.folds = 3;
  const TuningResult result = tune(clusters(kThree, 20, 0.3F), config, quiet, store);
  const TuningPoint& best = result.points[result.best];
  EXPECT_EQ(best.parameters.at("n_neighbors"), "8");
  EXPECT_DOUBLE_EQ(best.accuracy, 0.625);
  EXPECT_DOUBLE_EQ(best.log_loss, 0.5);
  EXPECT_DOUBLE_EQ(best.standard_error, 0.25 / std::sqrt(3.0));
  EXPECT_DOUBLE_EQ(best.fit_s, 2);
  EXPECT_DOUBLE_EQ(best.predict_s, 1);
}

TEST(Tune, RecordsAFailedPointAndFailsOnlyIfAllDo) {
  Progress quiet;
  const Examples examples = clusters(kThree, 20, 0.3F);
  TuningConfig config = knn_search();
  config.axes = {parse_axis("k=3,100000")};
  const TuningResult result = tune(examples, config, quiet);
  EXPECT_FALSE(result.points[1].error.empty());
  EXPECT_EQ(result.best, 0u);
  config.axes = {parse_axis("k=100000,200000")};
  EXPECT_THROW(tune(examples, config, quiet), Error);
  config.axes = {{"pca_components", {"2", "5000"}}};
  const TuningResult components = tune(examples, config, quiet);
  EXPECT_TRUE(components.points[0].error.empty());
  EXPECT_THAT(components.points[1].error, HasSubstr("5000"));
}

TEST(Tune, ReportsExplainedVarianceIfPcaIsSearched) {
  Progress quiet;
  const Examples examples = clusters(kThree, 20, 0.3F, 6);
  TuningConfig config = knn_search();
  EXPECT_FALSE(tune(examples, config, quiet).variance);
  config.axes = {{"pca_components", {"0", "2"}}};
  const TuningResult result = tune(examples, config, quiet);
  ASSERT_TRUE(result.variance);
  ASSERT_EQ(result.variance->shares.size(), 6u);  // all components: they are cheap
  double sum = 0;
  for (const double share : result.variance->shares) sum += share;
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_GE(result.variance->shares[0], result.variance->shares[5]);
}

TEST(Tune, RanksNoPcaAsTheMostComplexSetting) {
  Progress quiet;
  TuningConfig config = knn_search();
  config.axes = {{"pca_components", {"0", "2", "3"}}};
  const TuningResult result = tune(clusters(kThree, 60, 0.05F), config, quiet);
  EXPECT_EQ(result.points[result.one_standard_error].parameters.at("pca_components"), "2");  // all scores are perfect
}

std::string refusal(const Examples& examples, const TuningConfig& config) {
  Progress quiet;
  try {
    tune(examples, config, quiet);
  } catch (const Error& error) {
    return std::string(error.what()) + " | " + error.remedy();
  }
  return "no error";
}

TEST(Tune, ReportsUnknownParametersAndInvalidValues) {
  const Examples examples = clusters(kThree, 20, 0.3F);
  TuningConfig config = knn_search();
  config.axes = {{"neighbours", {"1"}}};
  EXPECT_THAT(refusal(examples, config), HasSubstr("neighbours"));
  config.axes = {{"n_neighbors", {"5", "0"}}};
  EXPECT_THAT(refusal(examples, config), HasSubstr("n_neighbors"));
  config.axes = {{"standardise", {"perhaps"}}};
  EXPECT_THAT(refusal(examples, config), HasSubstr("standardise = 'perhaps' is not allowed"));
  config.axes = {{"pca_components", {"-1"}}};
  EXPECT_THAT(refusal(examples, config), HasSubstr("pca_components"));
  config.axes = {{"pca_variance", {"1.5"}}};
  EXPECT_THAT(refusal(examples, config), HasSubstr("pca_variance"));
}

TEST(Tune, NamesTrackAndColumnOfANumberThatIsNotFinite) {
  Examples examples = clusters(kThree, 20, 0.3F);
  examples.table.columns[2] = {"mfcc", "kurtosis", "07"};
  examples.table.values(17, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(refusal(examples, knn_search()), HasSubstr("mfcc kurtosis 07 of 17"));
}

TEST(Tune, RefusesExamplesOfOneGenre) {
  Examples examples = clusters(kThree, 20, 0.3F);
  for (int& label : examples.subjects.labels) label = 1;
  EXPECT_THAT(refusal(examples, knn_search()), HasSubstr("only one genre (\"Jazz\")"));
}

TEST(Tune, RefusesFoldsIfAGenreHasTooFewArtists) {
  Examples examples = clusters(kThree, 20, 0.3F);
  for (std::size_t i = 0; i < examples.subjects.ids.size(); ++i) {
    if (examples.subjects.labels[i] == 2) examples.subjects.artists[i] = "the only artist";
  }
  EXPECT_THAT(refusal(examples, knn_search()), HasSubstr("Rock"));
}

TEST(Tune, AcceptsFoldsWithoutAGenreAndMoreFoldsThanArtists) {
  Progress quiet;
  Examples examples = clusters(kThree, 40, 0.15F);
  for (std::size_t i = 0; i < examples.subjects.ids.size(); ++i) {  // Rock: two artists for five folds
    if (examples.subjects.labels[i] == 2) examples.subjects.artists[i] = i % 2 == 0 ? "one" : "other";
  }
  const TuningResult result = tune(examples, knn_search(), quiet);
  for (const TuningPoint& point : result.points) EXPECT_TRUE(point.error.empty()) << point.error;
  EXPECT_GT(result.points[0].accuracy, 0.8);
}

TEST(Tune, RefusesInvalidGrids) {
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

}  // namespace
}  // namespace genrewise
