// What a study and a search write and state about their results.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "genrewise/study/ablation.hpp"
#include "genrewise/study/notes.hpp"
#include "genrewise/study/run_document.hpp"
#include "genrewise/study/study_presets.hpp"
#include "genrewise/study/tuning.hpp"
#include "support/clusters.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;

TEST(FoldScores, AreReadBackWithTheirFiguresOrTheirError) {
  const FoldScore score = json(FoldScore{0.5, 1.25, 2, 3, {}}).get<FoldScore>();
  EXPECT_EQ(score.accuracy, 0.5);
  EXPECT_EQ(score.log_loss, 1.25);
  EXPECT_EQ(score.fit_s, 2);
  EXPECT_EQ(score.predict_s, 3);
  EXPECT_EQ(score.error, "");
  const json failed = FoldScore{.error = "it diverged"};
  EXPECT_EQ(failed.get<FoldScore>().error, "it diverged");
  EXPECT_EQ(failed.get<FoldScore>().accuracy, 0);
  EXPECT_THROW(json({{"accuracy", 0.5}}).get<FoldScore>(), json::exception);
}

TEST(SearchCaveats, CountTheSettingsThatCouldNotBeFittedByReason) {
  TuningResult result;
  result.points.resize(4);
  EXPECT_EQ(caveats(result).size(), 2u);
  for (std::size_t i = 1; i < 4; ++i) {
    result.points[i].parameters = {{"C", std::to_string(i)}};
    result.points[i].error = i < 3 ? "it diverged" : "too few examples";
  }
  const auto notes = caveats(result);
  ASSERT_EQ(notes.size(), 3u);
  EXPECT_THAT(notes[0], HasSubstr("The best of 4 scores is partly luck"));
  EXPECT_EQ(notes[2], "3 of 4 settings could not be fitted: 2 × it diverged; 1 × too few examples.");
  ASSERT_EQ(failures(result).size(), 3u);
  EXPECT_EQ(failures(result)[0].where, "C=1");
  EXPECT_FALSE(to_json(result.points[0]).contains("error"));
  EXPECT_EQ(to_json(result.points[1]).at("error"), "it diverged");
}

TEST(Documents, OfAnotherFormatOrWithoutAKeyAreRefused) {
  const auto refusal = [](const json& document) {
    return error_message([&] { require_document(document, "a format", {"models", "split"}, "r.json"); });
  };
  json document = {{"format", "a format"}, {"models", 1}, {"split", 2}};
  EXPECT_EQ(refusal(document), "no error");
  document["format_version"] = kRunFormatVersion;
  EXPECT_EQ(refusal(document), "no error");
  document["format_version"] = kRunFormatVersion + 1;
  EXPECT_THAT(refusal(document),
              HasSubstr("r.json: this is format version 2, but this program reads versions up to 1"));
  document["format_version"] = "1";
  EXPECT_THAT(refusal(document), HasSubstr("not an integer"));
  document.erase("format_version");
  document.erase("split");
  EXPECT_THAT(refusal(document), HasSubstr("the document lacks \"split\""));
  EXPECT_THAT(refusal({{"format", "other"}}), HasSubstr("not a document of the format \"a format\""));
  EXPECT_THAT(refusal(json::array()), HasSubstr("not a document"));
  EXPECT_THAT(refusal({{"models", 1}}), HasSubstr("not a document"));
}

TEST(FeatureSetsOfModels, AreListedOnceInTheOrderOfTheModels) {
  EXPECT_THAT(feature_sets_of(parse_models({"b/gnb", "gnb", "b/knn", "a/gnb"})), ElementsAre("b", "", "a"));
}

TEST(AblationRows, HaveTheNamesOfFmasTableOnlyForItsNumberOfColumns) {
  Examples examples = testing::clusters({"Jazz", "Rock"}, 12, 0.3F, 518);
  for (std::size_t j = 0; j < 518; ++j)
    examples.table.columns[j].feature = j < 400 ? "mfcc" : j < 500 ? "spectral_contrast" : "zcr";
  const auto names_of_rows = [&] {
    StudyConfig config;
    config.models = parse_models({"gnb"});
    Progress quiet;
    std::vector<std::string> stored, names;
    for (const AblationRow& row :
         run_ablation(examples, make_split(examples.subjects), config, quiet,
                      [&](const Examples&selected, const std::string&features) {
                        stored.push_back(features + " " + std::to_string(selected.table.columns.size()));
                        return StudyStore{};
                      })) {
      EXPECT_EQ(row.models.size(), 1u);
      EXPECT_TRUE(row.models[0].test_probabilities.empty());
      EXPECT_EQ(row.features + " " + std::to_string(row.columns), stored[names.size()]);
      names.push_back(row.fma_name.value_or("none"));
    }
    return names;
  };
  EXPECT_THAT(names_of_rows(), ElementsAre("mfcc", "spectral_contrast", "zcr", "mfcc/contrast", "all_non-echonest"));
  examples.table.columns.pop_back();
  examples.table.values = Matrix(24, 517, std::vector<float>(24 * 517, 1));
  EXPECT_THAT(names_of_rows(), ElementsAre("none", "none", "none", "none", "none"));
}

}  // namespace
}  // namespace genrewise
