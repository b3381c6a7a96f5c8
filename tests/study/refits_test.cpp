#include "genrewise/study/refits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "genrewise/study/run_folder.hpp"
#include "support/clusters.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using testing::clusters;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TemporaryFolder;

/// A finished study in a run folder.
struct Studied {
  Studied(const Examples& made, const std::vector<std::string>& models, SplitScheme scheme = SplitScheme::grouped)
      : examples(made),
        split(make_split(examples.subjects, {.scheme = scheme})),
        run(folder / "run", {{"a", 1}}, false) {
    config.models = parse_models(models);
    result = run_study(examples, split, config, quiet, run.store(examples, split));
    document["notes"] = json::array();
    document["feature_sets"] = json::array();
    for (const ModelResult& model : result.models) {
      document["models"].push_back({{"name", model.name}, {"fit_s", model.fit_s}});
      if (!model.error.empty()) document["models"].back()["error"] = model.error;
    }
  }
  StudiedData data() {
    return {examples, split, config, result, {}, [this](const std::string& name) { return run.model_path(name); }};
  }

  TemporaryFolder folder;
  Progress quiet;
  Examples examples;
  Split split;
  RunFolder run;
  StudyConfig config;
  StudyResult result;
  json document;
};

/// Two genres that the first of two features separates; the second feature has three columns of noise.
Examples separable() {
  Examples examples = clusters({"a", "b"}, 100, 0.05F, 4);
  examples.table.columns = {
      {"signal", "mean", "1"}, {"noise", "mean", "1"}, {"noise", "mean", "2"}, {"noise", "mean", "3"}};
  Rng rng(9);
  for (std::size_t i = 0; i < 200; ++i) {
    examples.table.values(i, 0) = static_cast<float>(examples.subjects.labels[i]);
    for (std::size_t j = 1; j < 4; ++j) examples.table.values(i, j) = 0.1F * static_cast<float>(rng.normal());
  }
  return examples;
}

TEST(Importance, IsTheLossOfAccuracyOfEachFeature) {
  Studied study(separable(), {"knn:n_neighbors=1:standardise=false"});
  ASSERT_EQ(study.result.models[0].test.accuracy.value, 1);
  const json importance = importance_json(study.data());
  ASSERT_EQ(importance.size(), 2u);
  EXPECT_EQ(importance[0].at("group"), "signal");
  EXPECT_EQ(importance[0].at("columns"), 1);
  EXPECT_NEAR(importance[0].at("drop"), 0.5, 0.1);  // a permuted signal leaves chance: half of two balanced genres
  EXPECT_LT(importance[0].at("low"), importance[0].at("drop"));
  EXPECT_GT(importance[0].at("high"), importance[0].at("drop"));
  EXPECT_EQ(importance[1].at("columns"), 3);
  EXPECT_EQ(importance[1].at("drop"), 0);
  EXPECT_EQ(importance_json(study.data()), importance);  // the same seed
}

TEST(Importance, IsEmptyForATableOfOneFeature) {
  Studied study(clusters({"a", "b"}, 40, 0.3F), {"gnb"});
  EXPECT_THAT(importance_json(study.data()), IsEmpty());
}

TEST(LearningCurve, GrowsByWholeGroupsUpToTheValidationScoreOfTheStudy) {
  Studied study(clusters({"a", "b", "c"}, 64, 0.8F), {"knn:n_neighbors=5"});
  const json curve = learning_curve_json(study.data());
  ASSERT_EQ(curve.size(), 5u);
  for (std::size_t i = 0; i < curve.size(); ++i) {
    EXPECT_EQ(curve[i].at("examples").get<int>() % 2, 0);  // two examples per artist
    if (i > 0) {
      EXPECT_GT(curve[i].at("examples"), curve[i - 1].at("examples"));
    }
    EXPECT_LE(curve[i].at("low"), curve[i].at("accuracy"));
  }
  EXPECT_EQ(curve.back().at("examples"), study.split.rows(Part::training).size());
  EXPECT_EQ(curve.back().at("accuracy"), study.result.models[0].validation.value);
}

TEST(LearningCurve, LeavesOutSubsetsThatAreTooSmallForTheParameters) {
  Studied study(clusters({"a", "b", "c"}, 64, 0.8F), {"knn:n_neighbors=60"});
  const json curve = learning_curve_json(study.data());
  ASSERT_EQ(curve.size(), 2u);  // of about 120 examples only half and all are at least 60
  EXPECT_GE(curve[0].at("examples"), 60);
}

TEST(Protocols, ShowWhatArtistsOnBothSidesWouldHaveClaimed) {
  // The features identify the artist and have nothing to do with the genre.
  Examples examples = clusters({"a", "b"}, 200, 0.1F, 4);
  Rng rng(4);
  std::map<std::string, std::vector<float>> of_artist;
  for (std::size_t i = 0; i < 400; ++i) {
    auto& centre = of_artist[examples.subjects.artists[i]];
    while (centre.size() < 4) centre.push_back(static_cast<float>(rng.normal()));
    for (std::size_t j = 0; j < 4; ++j)
      examples.table.values(i, j) = centre[j] + 0.01F * static_cast<float>(rng.normal());
  }
  Studied study(examples, {"knn:n_neighbors=1"});
  const json protocols = protocols_json(study.data());
  ASSERT_EQ(protocols.at("schemes").size(), 2u);
  const json &grouped = protocols["schemes"][0], &random = protocols["schemes"][1];
  EXPECT_EQ(grouped.at("scheme"), "grouped");
  EXPECT_EQ(grouped["models"][0].at("accuracy").at("value"), study.result.models[0].test.accuracy.value);
  EXPECT_LT(grouped["models"][0]["accuracy"]["value"], 0.65);
  EXPECT_GT(random["models"][0]["accuracy"]["value"], 0.75);  // two clips per artist: mostly one is in training
  EXPECT_THAT(protocols.at("note").get<std::string>(), HasSubstr("artists appear in more than one part"));
}

TEST(Refits, AddFileSizesAndAnalysesToTheDocumentOfTheBestModel) {
  Studied study(separable(), {"knn:n_neighbors=1", "gnb", "knn:n_neighbors=5000"});
  add_refits(study.document, study.data(), study.quiet);
  const json& models = study.document.at("models");
  const std::size_t best = *study.result.best;
  EXPECT_TRUE(models[best].contains("importance") && models[best].contains("learning_curve"));
  EXPECT_FALSE(models[1 - best].contains("importance"));
  EXPECT_EQ(models[0].at("cost").at("model_bytes"),
            std::filesystem::file_size(study.run.model_path(study.result.models[0].name)));
  EXPECT_FALSE(models[2].contains("cost"));  // it could not be fitted
  ASSERT_TRUE(study.document.contains("protocols"));
  EXPECT_EQ(study.document["protocols"]["schemes"][0]["models"].size(), 2u);
  EXPECT_THAT(study.document.at("notes"), IsEmpty());
}

TEST(Refits, AreLeftOutWithANoteWhereTheyWouldTakeLong) {
  Studied study(separable(), {"gnb"});
  study.result.models[0].fit_s = 1000;
  study.document["models"][0]["fit_s"] = 1000;
  add_refits(study.document, study.data(), study.quiet);
  EXPECT_FALSE(study.document["models"][0].contains("learning_curve"));
  EXPECT_FALSE(study.document.contains("protocols"));
  EXPECT_TRUE(study.document["models"][0].contains("importance"));  // predictions are fast
  ASSERT_EQ(study.document.at("notes").size(), 2u);
  EXPECT_EQ(study.document["notes"][0],
            "The learning curve is left out: it would take about 1000 s, and at most 200 s are used for it.");
}

TEST(Refits, HaveNoProtocolsWithoutArtistsAndNothingWithoutAFittedModel) {
  Examples examples = separable();
  examples.subjects.artists.assign(200, "");
  Studied study(examples, {"gnb"});
  add_refits(study.document, study.data(), study.quiet);
  EXPECT_FALSE(study.document.contains("protocols"));
  Studied failed(examples, {"knn:n_neighbors=5000"});
  add_refits(failed.document, failed.data(), failed.quiet);
  EXPECT_FALSE(failed.document.contains("protocols"));
}

TEST(Nested, TestsEveryExampleOnceOnModelsThatWereFittedOnOtherArtists) {
  Studied study(clusters({"a", "b", "c"}, 30, 0.4F), {"knn:n_neighbors=1,5", "gnb", "knn:n_neighbors=5000"});
  const std::vector<Split> outer = nested_splits(study.examples.subjects, 3, 7);
  ASSERT_EQ(outer.size(), 3u);
  std::vector<int> tested(90);
  for (const Split& split : outer) {
    EXPECT_FALSE(split.rows(Part::validation).empty());
    for (const std::size_t row : split.rows(Part::test)) ++tested[row];
    for (const auto& crossing : check_leakage(study.examples.subjects, split).crossings) EXPECT_EQ(crossing.groups, 0u);
  }
  EXPECT_EQ(tested, std::vector<int>(90, 1));
  const auto nested = [&] {
    return nested_json(study.data(), outer, study.quiet, [&](const Examples& table, std::size_t fold) {
      return study.run.scores_in("nested/" + std::to_string(fold + 1), table, outer[fold]);
    });
  };
  const json document = nested();
  EXPECT_EQ(document.at("outer_folds"), 3);
  ASSERT_EQ(document.at("models").size(), 3u);
  const json& knn = document["models"][0];
  EXPECT_EQ(knn.at("accuracy").at("n"), 90);
  ASSERT_EQ(knn.at("folds").size(), 3u);
  double hits = 0;
  for (std::size_t fold = 0; fold < 3; ++fold) {
    hits += knn["folds"][fold].get<double>() * static_cast<double>(outer[fold].rows(Part::test).size());
  }
  EXPECT_NEAR(knn["accuracy"]["value"].get<double>(), hits / 90, 1e-12);
  EXPECT_THAT(document["models"][2].at("error").get<std::string>(), HasSubstr("fold 3: "));
  EXPECT_TRUE(std::filesystem::exists(study.folder / "run" / "nested" / "3" / "gnb.json"));
  EXPECT_EQ(nested(), document);
}

TEST(Nested, IsEmptyForNoFoldsAndRefusesGenresOfOneArtist) {
  Examples examples = clusters({"a", "b"}, 20, 0.4F);
  EXPECT_THAT(nested_splits(examples.subjects, 0, 1), IsEmpty());
  for (std::size_t i = 0; i < 40; i += 2) examples.subjects.artists[i] = "the only one";
  EXPECT_THAT(testing::error_message([&] { nested_splits(examples.subjects, 3, 1); }),
              HasSubstr("--nested: nested cross-validation is impossible: the genre 'a'"));
}

}  // namespace
}  // namespace genrewise
