#include "genrewise/study/analyses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "genrewise/storage/files.hpp"
#include "genrewise/study/notes.hpp"
#include "support/clusters.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using testing::clusters;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// Six test clips of two genres by three artists; the last two have no artist.
struct SixClips {
  SixClips() : examples(clusters({"Jazz", "Rock"}, 3, 0.1F)), split{SplitScheme::official, 1, {}} {
    split.parts.assign(6, Part::test);
    examples.subjects.artists = {"A", "B", "A", "B", "", ""};
    examples.subjects.tracks = {"music/a.mp3", "s3://music/b.mp3", "/c.mp3", "d", "e", "f"};
  }
  /// A model that predicts these labels (the truth is 0, 1, 0, 1, 0, 1), each with this probability.
  ModelResult model(const std::string& name, const std::vector<int>& predicted, const std::vector<float>& probability) {
    Predictions predictions{predicted, Matrix(6, 2)};
    for (std::size_t i = 0; i < 6; ++i) {
      predictions.probabilities(i, static_cast<std::size_t>(predicted[i])) = probability[i];
      predictions.probabilities(i, static_cast<std::size_t>(1 - predicted[i])) = 1 - probability[i];
    }
    ModelResult result;
    result.name = name;
    result.test = measure(examples.subjects.labels, predictions, {}, 1);
    result.test_labels = predictions.labels;
    result.test_probabilities = predictions.probabilities;
    return result;
  }

  Examples examples;
  Split split;
};

std::vector<std::string> ids(const json& clips) {
  std::vector<std::string> all;
  for (const json& clip : clips) all.push_back(clip.at("id"));
  return all;
}

TEST(Analyses, ListMistakesByFallingProbability) {
  SixClips six;
  const TestPart test(six.examples, six.split, "folder");
  const ModelResult model = six.model("m", {1, 1, 1, 0, 0, 1}, {0.6F, 0.9F, 0.9F, 0.7F, 0.8F, 0.8F});
  const json analyses = analyses_json(model, test);
  EXPECT_THAT(ids(analyses.at("confident_mistakes")), ElementsAre("2", "3", "0"));
  EXPECT_EQ(analyses["confident_mistakes"][0].at("predicted"), "Rock");
  EXPECT_NEAR(analyses["confident_mistakes"][0].at("probability"), 0.9, 1e-6);
  EXPECT_EQ(analyses.at("coverage").back().at("accuracy"), 0.5);
}

TEST(Analyses, ListArtistsOfAtLeastTwoClipsWithTheLowestShareFirst) {
  SixClips six;
  const TestPart test(six.examples, six.split, "folder");
  const json artists =
      analyses_json(six.model("m", {0, 1, 1, 1, 0, 0}, std::vector<float>(6, 0.6F)), test).at("artists");
  EXPECT_EQ(artists.at("count"), 2);
  EXPECT_EQ(artists.at("worst"), json::parse(R"([{"artist":"A","genre":"Jazz","examples":2,"hits":1},
                                                 {"artist":"B","genre":"Rock","examples":2,"hits":2}])"));
  six.examples.subjects.artists.assign(6, "");
  EXPECT_FALSE(
      analyses_json(six.model("m", {0, 1, 1, 1, 0, 0}, std::vector<float>(6, 0.6F)), test).contains("artists"));
}

TEST(Analyses, StateLocationsOfFilesOnlyWhereTheDataHasFiles) {
  SixClips six;
  EXPECT_EQ(TestPart(six.examples, six.split, "folder").file(0), "");  // a table of another program
  six.examples.table.recipe.name = "music";
  EXPECT_EQ(TestPart(six.examples, six.split, "pack").file(0), "");
  // Rows of a table name files beside it.
  testing::TemporaryFolder folder;
  make_folders(folder / "music");
  write_file(folder / "music/a.mp3", "");
  const TestPart of_table(six.examples, six.split, "table", folder / "features.csv");
  EXPECT_EQ(of_table.file(0), folder / "music/a.mp3");
  EXPECT_EQ(of_table.file(1), "");
  EXPECT_EQ(of_table.file(2), "");  // does not exist
  EXPECT_EQ(TestPart(six.examples, six.split, "table", "s3://tables/features.csv").file(0), "");
  const TestPart test(six.examples, six.split, "folder");
  EXPECT_EQ(test.file(0), (std::filesystem::current_path() / "music/a.mp3").string());
  EXPECT_EQ(test.file(1), "s3://music/b.mp3");
  EXPECT_EQ(test.clip(2), json::parse(R"({"id":"2","file":"/c.mp3","artist":"A","genre":"Jazz"})"));
}

TEST(Comparisons, CoverAllPairsAndTheClipsThatEveryModelPredictsIncorrectly) {
  SixClips six;
  const TestPart test(six.examples, six.split, "folder");
  const std::vector<float> sure(6, 0.9F), unsure(6, 0.6F);
  ModelResult failed;
  failed.name = "failed", failed.error = "not today";
  const std::vector<ModelResult> models = {six.model("a", {1, 1, 1, 1, 0, 1}, unsure), failed,
                                           six.model("b", {1, 1, 1, 0, 1, 1}, {0.6F, 0.9F, 0.9F, 0.9F, 0.9F, 0.9F}),
                                           six.model("c", {1, 0, 1, 0, 1, 1}, sure)};
  const json document = comparisons_json(models, test, kDefaultSeed);
  ASSERT_EQ(document.at("pairs").size(), 3u);
  const json& pair = document["pairs"][0];
  EXPECT_EQ(pair.at("first"), "a");
  EXPECT_EQ(pair.at("second"), "b");
  EXPECT_EQ(pair.at("only_first"), 2);
  EXPECT_EQ(pair.at("only_second"), 0);
  EXPECT_EQ(pair.at("p_value"), 0.5);
  EXPECT_EQ(pair.at("p_holm"), 1);
  EXPECT_NEAR(pair.at("difference"), 2.0 / 6, 1e-12);
  EXPECT_TRUE(pair.at("low").is_null() && pair.at("high").is_null());  // four groups are too few
  const json& wrong = document.at("always_wrong");
  EXPECT_EQ(wrong.at("count"), 2);
  EXPECT_THAT(ids(wrong.at("clips")), ElementsAre("2", "0"));  // 2 is the more certain mistake
  EXPECT_EQ(wrong["clips"][0].at("predicted"), json::parse(R"({"a":"Rock","b":"Rock","c":"Rock"})"));
  EXPECT_TRUE(comparisons_json({models[0]}, test, 1).empty());
}

TEST(Comparisons, OfManyGroupsHaveAnIntervalThatContainsTheDifference) {
  Progress quiet;
  const Examples examples = clusters({"a", "b", "c"}, 80, 0.6F);
  const Split split = make_split(examples.subjects);
  StudyConfig config;
  config.models = parse_models({"knn:n_neighbors=1", "gnb"});
  const StudyResult result = run_study(examples, split, config, quiet);
  const json pairs = comparisons_json(result.models, TestPart(examples, split, ""), kDefaultSeed).at("pairs");
  ASSERT_EQ(pairs.size(), 1u);
  ASSERT_TRUE(pairs[0].at("low").is_number());
  EXPECT_LT(pairs[0].at("low"), pairs[0].at("difference"));
  EXPECT_GT(pairs[0].at("high"), pairs[0].at("difference"));
}

TEST(Analyses, OfManyGenresAndFewTestClipsStaySmall) {
  std::vector<std::string> labels;
  for (int i = 0; i < 200; ++i) labels.push_back("genre " + std::to_string(i));
  const Examples examples = clusters(labels, 3, 0.1F, 9);
  Split split{SplitScheme::official, 1, std::vector<Part>(600, Part::training)};
  for (int i = 0; i < 3; ++i) split.parts[static_cast<std::size_t>(i)] = Part::test;  // 197 genres are absent
  const TestPart test(examples, split, "");
  ModelResult model;
  model.test_labels = {0, 7, 2};
  model.test_probabilities = Matrix(3, 200, std::vector<float>(600, 0.005F));  // all are equal
  const json analyses = analyses_json(model, test);
  ASSERT_EQ(analyses.at("curves").size(), 200u);
  EXPECT_EQ(analyses["curves"][0].at("auc"), 0.5);
  EXPECT_TRUE(analyses["curves"][150].at("auc").is_null());
  EXPECT_EQ(analyses.at("macro_auc"), 0.5);
  EXPECT_EQ(analyses.at("coverage").size(), 1u);
  EXPECT_LT(analyses.dump().size(), 50'000u);
}

TEST(TreeConfusion, CountsMistakesWithinAndAcrossParents) {
  Metrics metrics;
  metrics.confusion = {{5, 2, 1}, {3, 6, 0}, {0, 4, 7}};  // Punk, Rock, Techno
  EXPECT_EQ(tree_confusion_json(metrics, {"Punk", "Rock", "Techno"},
                                {{"Punk", "Rock"}, {"Rock", "Rock"}, {"Techno", "Electronic"}}),
            json::parse(R"({"same_parent":5,"other_parent":5})"));
}

json facts(const std::string& kind, int examples, const std::string& scheme, int training, int validation, int test,
           const std::vector<std::string>& labels) {
  return {{"dataset", {{"kind", kind}, {"examples", examples}}},
          {"labels", labels},
          {"split", {{"scheme", scheme}, {"training", training}, {"validation", validation}, {"test", test}}}};
}

TEST(Published, FiguresNameTheDatasetAndWhetherTheProtocolIsTheSame) {
  const std::vector<std::string> gtzan = {"Blues", "Classical", "Country", "Disco",  "Hip-Hop",
                                          "Jazz",  "Metal",     "Pop",     "Reggae", "Rock"};
  const std::vector<std::string> fma = {"Electronic",   "Experimental",  "Folk", "Hip-Hop",
                                        "Instrumental", "International", "Pop",  "Rock"};
  const auto same = [](const json& figures) {
    std::map<std::string, bool> by_protocol;
    for (const json& figure : figures) by_protocol[figure.at("protocol")] = figure.at("this_protocol");
    return by_protocol;
  };
  using Map = std::map<std::string, bool>;
  EXPECT_EQ(same(published_json(facts("table", 930, "official", 443, 197, 290, gtzan))),
            (Map{{"fault-filtered split", true}}));
  EXPECT_EQ(same(published_json(facts("folder", 1000, "random", 640, 160, 200, gtzan))),
            (Map{{"fault-filtered split", false}}));
  EXPECT_EQ(same(published_json(facts("fma", 7994, "official", 6396, 800, 798, fma))),
            (Map{{"official split", true}, {"random 80/20 split", false}}));
  EXPECT_EQ(same(published_json(facts("fma", 7994, "random", 5116, 1279, 1599, fma))),
            (Map{{"official split", false}, {"random 80/20 split", true}}));
  EXPECT_TRUE(published_json(facts("folder", 8000, "random", 1, 1, 1, fma)).empty());

  // A few clips may be missing.
  const auto official = [&](int rest, int test) {
    return same(published_json(facts("fma", 8000, "official", rest, 0, test, fma))).at("official split");
  };
  EXPECT_TRUE(official(7100, 790));
  EXPECT_FALSE(official(7099, 790));
  EXPECT_FALSE(official(7100, 789));
  EXPECT_TRUE(published_json(facts("fma", 8001, "official", 7200, 0, 801, fma)).empty());
  for (const auto& [examples, known] : {std::pair(899, false), {900, true}, {1000, true}, {1001, false}})
    EXPECT_EQ(published_json(facts("folder", examples, "random", 700, 0, 200, gtzan)).empty(), !known) << examples;
  for (const auto& [training, validation, test] : {std::tuple(442, 197, 290), {443, 196, 290}, {443, 197, 289}}) {
    const json figures = published_json(facts("table", 930, "official", training, validation, test, gtzan));
    EXPECT_FALSE(same(figures).at("fault-filtered split"));
  }
  EXPECT_TRUE(published_json(facts("folder", 100, "random", 60, 20, 20, {"Jazz", "Rock"})).empty());
}

TEST(Notes, ListTwelveNamesAndTheNumberOfTheOthers) {
  std::vector<std::string> names;
  for (char name = 'a'; name < 'a' + 12; ++name) names.emplace_back(1, name);
  EXPECT_EQ(listed(names), "a, b, c, d, e, f, g, h, i, j, k, l");
  names.resize(15, "x");
  EXPECT_EQ(listed(names), "a, b, c, d, e, f, g, h, i, j, k, l and 3 more");
}

std::string notes_of(const Examples& examples, const Split& split, const StudyResult& result) {
  std::string text;
  for (const std::string& note : caveats(examples, split, result)) text += note + "\n";
  return text;
}

TEST(Notes, StateIntervalsReasonsAndRemarksBesideTheFigures) {
  SixClips six;
  StudyResult result;
  result.models = {six.model("first", {0, 1, 1, 1, 0, 0}, std::vector<float>(6, 0.6F)),
                   six.model("second", {0, 1, 0, 1, 0, 0}, std::vector<float>(6, 1.0F))};
  result.models[0].validation = {0.8, 0.7, 0.9, 60};
  result.models[1].validation = {0.7, 0.6, 0.8, 60};
  result.models[0].test.over_groups_withheld = "the reason";
  result.baseline = result.models[0];
  result.best = 0;
  std::string notes = notes_of(six.examples, six.split, result);
  EXPECT_THAT(notes, HasSubstr("interval of the best accuracy is 30.0 to 90.3 %"));  // Wilson: 4 of 6
  EXPECT_THAT(notes, Not(HasSubstr("±")));
  EXPECT_THAT(notes, HasSubstr("interval over artists is withheld: the reason."));
  EXPECT_THAT(notes,
              HasSubstr("The log loss of second (2.66) is above that of equal probabilities for all 2 genres (0.69)"));
  EXPECT_THAT(best_note(result), HasSubstr("second has a higher test accuracy (83.3 % against 66.7 %)"));
  EXPECT_THAT(notes, HasSubstr(best_note(result)));
  result.best = 1;
  EXPECT_EQ(best_note(result), "");

  six.examples.subjects.artists.assign(6, "");
  EXPECT_THAT(notes_of(six.examples, six.split, result), HasSubstr("No artist is known. Artists"));
  six.split.scheme = SplitScheme::grouped;
  EXPECT_THAT(notes_of(six.examples, six.split, result),
              HasSubstr("No artist is known: the split is grouped by file only."));
  six.examples.subjects.albums[0] = "an album";
  EXPECT_THAT(notes_of(six.examples, six.split, result), HasSubstr("grouped by album and file only."));
}

}  // namespace
}  // namespace genrewise
