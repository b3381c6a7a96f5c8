// study, train, evaluate and tune, from the command line, on a small labelled table.
#include <gmock/gmock.h>
#include <unistd.h>

#include <fmt/format.h>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/storage/files.hpp"
#include "support/table_csv.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

struct StudyCommand : ::testing::Test {
  StudyCommand() { write_file(table, table_csv()); }
  Ran study(Arguments more = {}) {
    Arguments arguments = {"study", table, "-o", run, "--models", "gnb,knn"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  }
  /// results.json without what may differ from run to run.
  json results() const {
    json document = json::parse(read_file(fs::path(run) / "results.json"));
    document.erase("created");
    document.erase("sha256");
    document.erase("command");
    document.erase("stages");
    for (json& model : document["models"]) {
      for (const char* seconds : {"fit_s", "predict_s", "choose_s"}) model.erase(seconds);
      if (model.contains("cost")) model["cost"].erase("peak_memory_bytes");
    }
    return document;
  }

  TemporaryFolder folder;
  std::string table = folder / "table.csv", run = folder / "run";
};

TEST_F(StudyCommand, ComparesModelsAndWritesAReportAndTheBestModel) {
  const Ran ran = study();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("95 % interval"));
  EXPECT_THAT(ran.out, HasSubstr("majority"));
  for (const char* name : {"report.html", "results.json", "best.gwm", "predictions.csv"}) {
    EXPECT_TRUE(fs::exists(fs::path(run) / name)) << name;
  }
  EXPECT_GT(results()["models"][0]["accuracy"]["value"], 0.5);
}

TEST_F(StudyCommand, GivesTheSameNumbersTwiceAndPrintsJson) {
  EXPECT_EQ(study({"--threads", "1"}).code, 0);
  const json first = results();
  const Ran again = study({"--json"});
  EXPECT_EQ(json::parse(again.out)["models"].size(), 2u);
  EXPECT_EQ(results(), first);
  fs::remove_all(run);
  EXPECT_EQ(study({"--threads", "2"}).code, 0);
  EXPECT_EQ(results(), first);
}

TEST_F(StudyCommand, PrintsNestedCrossValidationAndRefusesOneFold) {
  const Ran ran = study({"--nested", "3"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("Nested cross-validation: accuracy over all outer folds"));
  const json nested = results().at("nested").at("models").at(1);
  EXPECT_EQ(nested.at("name"), "knn");
  EXPECT_EQ(nested.at("accuracy").at("n"), 120);
  EXPECT_THAT(ran.out, HasSubstr(fmt::format("{:.1f}", 100 * nested.at("accuracy").at("value").get<double>())));
  const Ran refused = study({"--nested", "1"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--nested needs a whole number from 2 to 100"));
}

TEST_F(StudyCommand, RefusesAFolderOfAnotherConfigurationUntilForced) {
  EXPECT_EQ(study().code, 0);
  const Ran other = study({"--seed", "7"});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err, HasSubstr("seed: 42 in the folder, 7 requested"));
  EXPECT_EQ(study({"--seed", "7", "--force"}).code, 0);
}

TEST_F(StudyCommand, AddsFurtherModelsToTheSameFolder) {
  EXPECT_EQ(study().code, 0);
  const auto old = fs::last_write_time(fs::path(run) / "models" / "gnb.gwm");
  EXPECT_EQ(study({"logreg"}).code, 0);
  EXPECT_EQ(results()["models"].size(), 3u);
  EXPECT_EQ(fs::last_write_time(fs::path(run) / "models" / "gnb.gwm"), old);
}

TEST_F(StudyCommand, ReportsDataThatCannotBeSplit) {
  write_file(table, "genre,x\nJazz,1\nJazz,2\nJazz,3\nJazz,4\nJazz,5\n");
  const Ran one_genre = study();
  EXPECT_EQ(one_genre.code, 1);
  EXPECT_THAT(one_genre.err, HasSubstr("genre"));
  write_file(table, "genre,x\nJazz,1\nRock,2\n");
  const Ran one_each = study({"--force"});
  EXPECT_EQ(one_each.code, 1);
  EXPECT_FALSE(fs::exists(fs::path(run) / "results.json"));
}

TEST_F(StudyCommand, NamesWrongModelsDatasetsAndFolders) {
  EXPECT_THAT(study({"svn"}).err, HasSubstr("svm-rbf"));
  EXPECT_EQ(run_program({"study", folder / "nowhere", "-o", run}).code, 1);
  EXPECT_EQ(run_program({"study", table}).code, 2);
  write_file(folder / "file", "");
  const Ran no_folder = run_program({"study", table, "-o", folder / "file" / "run"});
  EXPECT_EQ(no_folder.code, 1);
  EXPECT_THAT(no_folder.err, HasSubstr("file"));
}

TEST_F(StudyCommand, ContinuesAfterAnInterruption) {
  write_file(table, table_csv(400));
  Arguments arguments = {"study", table, "-o", run, "--models", "gnb,svm-rbf,svm-poly,svm-linear,svm-sigmoid,logreg"};
  const Ran stopped =
      run_program_and_signal(SIGINT, arguments, [&] { return fs::exists(fs::path(run) / "models" / "gnb.json"); });
  if (stopped.code != 130) GTEST_SKIP() << "it ended before the signal";
  EXPECT_FALSE(fs::exists(fs::path(run) / "results.json"));
  const auto old = fs::last_write_time(fs::path(run) / "models" / "gnb.gwm");
  EXPECT_EQ(run_program(arguments).code, 0);
  EXPECT_EQ(fs::last_write_time(fs::path(run) / "models" / "gnb.gwm"), old);
}

TEST_F(StudyCommand, ComparesFeaturesOneByOne) {
  const Ran ran = study({"--ablation"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(results()["ablation"].size(), 4u);  // three columns and all
}

TEST_F(StudyCommand, EvaluatesTheBestModelToTheSameTestScore) {
  EXPECT_EQ(study().code, 0);
  const json best = results();
  const Ran ran = run_program({"evaluate", run + "/best.gwm", table, "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const json scores = json::parse(ran.out);
  EXPECT_EQ(scores["trained_on"], 0);
  for (const json& model : best["models"]) {
    if (model["name"] == best["best"]) {
      EXPECT_EQ(scores["accuracy"], model["accuracy"]);
    }
  }
  const Ran all = run_program({"evaluate", run + "/best.gwm", table, "--part", "all"});
  EXPECT_EQ(all.code, 0);
  EXPECT_THAT(all.err, HasSubstr("was trained on"));
}

TEST_F(StudyCommand, TrainsAndEvaluatesAModel) {
  const std::string model = folder / "m.gwm";
  const Ran trained =
      run_program({"train", table, "--model", "knn", "--param", "n_neighbors=7", "-o", model, "--json"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_EQ(json::parse(trained.out)["parameters"]["n_neighbors"], "7");
  EXPECT_TRUE(json::parse(trained.out)["parts"].contains("test"));
  EXPECT_EQ(run_program({"evaluate", model, table, "--part", "test", "--csv"}).code, 0);
  const Ran wrong = run_program({"train", table, "--model", "knn", "--param", "neighbours=7", "-o", model});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("n_neighbors"));
}

TEST_F(StudyCommand, TrainsOnAllOfATableThatCannotBeSplit) {
  write_file(table, "genre,x\nJazz,1\nJazz,1.1\nRock,2\n");
  const std::string model = folder / "m.gwm";
  EXPECT_EQ(run_program({"train", table, "--model", "gnb", "-o", model}).code, 1);
  EXPECT_EQ(run_program({"train", table, "--model", "gnb", "--on", "all", "-o", model}).code, 0);
  const Ran unseen = run_program({"evaluate", model, table});
  EXPECT_EQ(unseen.code, 1);
  EXPECT_THAT(unseen.err, HasSubstr("trained on all of these examples"));
}

TEST_F(StudyCommand, EvaluateRefusesForeignFilesAndFeatures) {
  EXPECT_EQ(run_program({"evaluate", table, table}).code, 1);
  EXPECT_EQ(study().code, 0);
  write_file(folder / "other.csv", "genre,tempo\nJazz,1\nR&B,2\n");
  const Ran ran = run_program({"evaluate", run + "/best.gwm", folder / "other.csv"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("the model was trained on"));
}

TEST_F(StudyCommand, TunesAndOffersTheSimplestWithinOneStandardError) {
  const std::string out = folder / "tune";
  const Arguments arguments = {"tune", table, "--model", "knn", "--grid", "k=1:21:5", "-o", out, "--json"};
  const Ran ran = run_program(arguments);
  ASSERT_EQ(ran.code, 0) << ran.err;
  const json first = json::parse(ran.out);
  EXPECT_EQ(first["points"].size(), 5u);
  EXPECT_LT(first["dataset"]["examples"], 120);  // the test part stays unseen
  const json again = json::parse(run_program(arguments).out);
  EXPECT_EQ(again["points"], first["points"]);  // seconds and all: taken from the journal
  EXPECT_EQ(run_program({"tune", table, "--model", "knn", "-o", out}).code, 2);
  EXPECT_EQ(run_program({"tune", table, "--model", "knn", "--grid", "k=1:0:1", "-o", out}).code, 1);
}

TEST_F(StudyCommand, TunesByPresetsAndShowsComponents) {
  const std::string out = folder / "tune";
  const Ran ran = run_program({"tune", table, "--model", "knn", "--preset", "pca", "--preset", "scaling", "--param",
                               "n_neighbors=3", "-o", out, "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const json results = json::parse(ran.out);
  EXPECT_EQ(results["points"].size(), 4u);  // 2 components or none, standardised or not
  EXPECT_EQ(results["explained_variance"]["shares"].size(), 3u);
  EXPECT_THAT(read_file(fs::path(out) / "report.html"), HasSubstr("principal components"));
  const Ran unknown = run_program({"tune", table, "--model", "knn", "--grid", "neighbours=3", "-o", folder / "t2"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("n_neighbors"));
  EXPECT_FALSE(fs::exists(folder / "t2"));
  EXPECT_EQ(run_program({"tune", table, "--model", "knn", "--preset", "best", "-o", folder / "t2"}).code, 2);
}

TEST_F(StudyCommand, ComparesModelsOfSeveralTables) {
  std::string other = "track_id,genre,artist,loud2,soft2\n";
  for (int i = 0; i < 117; ++i) {  // three tracks fewer, the genres as in the first table
    const char* genres[] = {"\"Drum, Bass\n& <b>\"", "Jazz", "R&B"};
    other += fmt::format("{},{},a{},{},{}\n", i, genres[i % 3], i / 9 * 3 + i % 3, 10 * (i % 3) + i % 7, i % 5);
  }
  write_file(folder / "other.csv", other);
  const Ran ran = study({"other/gnb", "--table", "other=" + fs::path(folder / "other.csv").string(), "--ablation"});
  ASSERT_EQ(ran.code, 3) << ran.err;  // three tracks are not in every table
  EXPECT_THAT(ran.err, HasSubstr("not in every table"));
  const json document = results();
  EXPECT_EQ(document["dataset"]["examples"], 117);
  ASSERT_EQ(document["models"].size(), 3u);
  EXPECT_EQ(document["models"][2]["name"], "other/gnb");
  EXPECT_EQ(document["models"][2]["model_file"], "models/other-gnb.gwm");
  EXPECT_TRUE(fs::exists(fs::path(run) / "models" / "other-gnb.gwm"));
  EXPECT_EQ(document["models"][2]["features"], "other");
  EXPECT_EQ(document["models"][2]["columns"], 2);
  EXPECT_GT(document["models"][2]["accuracy"]["value"], 0.95);
  EXPECT_EQ(document["best"], "other/gnb");
  EXPECT_EQ(document["feature_sets"].size(), 2u);
  EXPECT_EQ(document["ablation"][0]["models"].size(), 2u);  // of the study's own features only
  const Ran missing = study({"third/gnb"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("--table third=PATH"));
}

TEST_F(StudyCommand, ExtractsTheFeaturesThatModelsName) {
  make_music(folder / "music", 6, 1.0);
  const Arguments arguments = {"study",    folder / "music", "-o",
                               run,        "--scheme",       "random",
                               "--models", "raw10k/gnb",     "fma518/knn:n_neighbors=1,3",
                               "gnb"};
  const Ran ran = run_program(arguments);
  ASSERT_EQ(ran.code, 0) << ran.err;
  for (const char* name : {"features.csv", "features-raw10k.npy"})
    EXPECT_TRUE(fs::exists(fs::path(run) / name)) << name;
  EXPECT_FALSE(fs::exists(fs::path(run) / "features-fma518.csv"));  // the study's own
  const json document = results();
  EXPECT_EQ(document["models"][0]["columns"], 10000);
  EXPECT_EQ(document["models"][1]["columns"], 518);
  EXPECT_NEAR(document["dataset"]["clip_s"]["median"].get<double>(), 1, 1e-6);
  const Ran again = run_program(arguments);
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(results()["models"], document["models"]);
  // A model is evaluated on the features that it was trained on, without --features.
  const Ran evaluated = run_program({"evaluate", run + "/models/raw10k-gnb.gwm", folder / "music", "--json"});
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_EQ(json::parse(evaluated.out)["accuracy"], document["models"][0]["accuracy"]);
}

TEST_F(StudyCommand, KeepsTheTestPartThatATableStatesWithoutValidation) {
  std::string stated = "track_id,genre,artist,loud,fast,split\n";
  constexpr int kTests = 30;
  for (int i = 0; i < 120; ++i) {
    stated += fmt::format("{},{},a{},{},{},{}\n", i, i % 2 == 0 ? "Jazz" : "Rock", i / 6 * 2 + i % 2, i % 2 + 0.01 * i,
                          i % 7, i < 120 - kTests ? "train" : "test");
  }
  write_file(table, stated);
  const Ran ran = study({"--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("The data states no validation part"));
  const json document = json::parse(ran.out);
  EXPECT_EQ(document["split"]["scheme"], "official");
  EXPECT_EQ(document["split"]["test"], kTests);
  EXPECT_GT(document["split"]["validation"], 0);
  EXPECT_EQ(document["split"]["notes"].size(), 1u);
  const std::string model = folder / "m.gwm";
  const Ran trained = run_program({"train", table, "--model", "gnb", "-o", model, "--json"});
  EXPECT_EQ(json::parse(trained.out)["parts"]["test"]["accuracy"]["n"], kTests);
  EXPECT_THAT(trained.err, HasSubstr("The data states no validation part"));
  const Ran evaluated = run_program({"evaluate", model, table, "--part", "test", "--json"});
  EXPECT_EQ(json::parse(evaluated.out)["accuracy"]["n"], kTests);
}

TEST_F(StudyCommand, LeavesOutGenresWithTooFewGroups) {
  write_file(table, table_csv() + "900,Polka,one,1,1,1\n901,Polka,one,1,1,1\n902,Folk,two,1,1,1\n");
  const Ran refused = study();
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("--min-groups 3"), HasSubstr("--merge 'Folk=GENRE'")));
  const Ran ran = study({"--force", "--merge", "Folk=Jazz", "--min-groups", "3", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, AllOf(HasSubstr("1 examples of Folk count as Jazz"), HasSubstr("Polka (1 groups, 2 examples)")));
  const json document = json::parse(ran.out);
  EXPECT_EQ(document["dataset"]["genres"].size(), 3u);
  EXPECT_EQ(document["dataset"]["notes"].size(), 2u);
  EXPECT_THAT(document["command"], HasSubstr("--merge Folk=Jazz --min-groups 3"));
  EXPECT_THAT(study({"--merge", "Folk=Jaz"}).err, HasSubstr("there is no genre 'Jaz'"));
}

TEST_F(StudyCommand, WritesATableThatEveryCommandReads) {
  make_music(folder / "music", 6, 2.0);
  ASSERT_EQ(
      run_program({"study", folder / "music", "-o", run, "--scheme", "random", "--models", "gnb,raw10k/gnb"}).code, 0);
  const std::string model = folder / "m.gwm";
  for (const std::string& features : {run + "/features.csv", run + "/features-raw10k.npy"}) {
    const Ran tuned = run_program({"tune", features, "--model", "knn", "--grid", "k=1,3", "--folds", "2", "--scheme",
                                   "random", "-o", folder / ("tuned" + fs::path(features).stem().string())});
    EXPECT_EQ(tuned.code, 0) << tuned.err;
    const Ran trained = run_program({"train", features, "--model", "gnb", "--scheme", "random", "-o", model});
    EXPECT_EQ(trained.code, 0) << trained.err;
    // A model of real features: it predicts from audio.
    EXPECT_EQ(run_program({"predict", "--model", model, folder / "music" / "noise" / "noise0.wav"}).code, 0);
    EXPECT_EQ(run_program({"evaluate", model, features}).code, 0);
    const Ran other = run_program({"train", folder / "music", "--table", features, "--model", "gnb", "--scheme",
                                   "random", "-o", folder / "n.gwm", "--json"});
    EXPECT_EQ(other.code, 0) << other.err;
    EXPECT_EQ(run_program({"split", features, "--scheme", "random", "-o", folder / "split.csv"}).code, 0);
  }
}

TEST_F(StudyCommand, TrainsOnPrincipalComponentsByParameterOrOption) {
  const std::string first = folder / "1.gwm", second = folder / "2.gwm";
  EXPECT_EQ(run_program({"train", table, "--model", "gnb", "--pca", "2", "-o", first}).code, 0);
  EXPECT_EQ(run_program({"train", table, "--model", "gnb", "--param", "pca_components=2", "-o", second}).code, 0);
  EXPECT_EQ(read_file(first), read_file(second));
  EXPECT_EQ(run_program({"train", table, "--model", "gnb", "--param", "features=loud", "-o", first}).code, 2);
}

TEST_F(StudyCommand, ReplacesAnUnfinishedRunOfAnotherConfigurationWithoutForce) {
  write_file(table, table_csv(2));  // too few artists for three parts
  EXPECT_EQ(study({"--scheme", "random"}).code, 1);
  write_file(table, table_csv());
  const Ran ran = study();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("replacing an unfinished run of another configuration"));
}

TEST_F(StudyCommand, TrainReportsItsSeconds) {
  const Ran ran = run_program({"train", table, "--model", "logreg:C=0.1", "-o", folder / "m.gwm", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const json result = json::parse(ran.out);
  EXPECT_GT(result.at("fit_s"), 0);
  EXPECT_GT(result.at("predict_s"), 0);
  EXPECT_EQ(result.at("parameters").at("C"), "0.1");
}

TEST_F(StudyCommand, TunePrintsTheCommandThatTrainsTheBestPoint) {
  const Ran ran = run_program({"tune", table, "--model", "knn", "--grid", "k=1:21:5", "--scheme", "random", "--seed",
                               "7", "-o", folder / "tune", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const json results = json::parse(ran.out);
  const std::string command = results.at("train_command");
  EXPECT_THAT(ran.err, HasSubstr(command));
  Arguments words;
  std::istringstream split(command);
  for (std::string word; split >> word;) words.push_back(word);
  ASSERT_EQ(words.front(), "genrewise");
  words.erase(words.begin());
  words.emplace_back("--json");
  const Ran trained = run_program(words);
  ASSERT_EQ(trained.code, 0) << trained.err;
  const json model = json::parse(trained.out);
  const json& best = results.at("points").at(results.at("best").get<std::size_t>());
  EXPECT_EQ(model.at("parameters").at("n_neighbors"), best.at("parameters").at("n_neighbors"));
  EXPECT_EQ(model.at("examples"), results.at("dataset").at("examples"));
  EXPECT_TRUE(model.at("parts").contains("test"));
}

TEST_F(StudyCommand, TuneReportsPointsThatCouldNotBeFitted) {
  const Ran ran = run_program({"tune", table, "--model", "knn", "--grid", "k=1,5,5000,6000", "-o", folder / "tune"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("2 of 4 settings are shown"));
  EXPECT_THAT(ran.err, HasSubstr("2 of 4 settings could not be fitted"));
  const json results = json::parse(read_file(folder / "tune" / "tuning.json"));
  std::size_t failed = 0;
  for (const json& reason : results.at("failed")) failed += reason.at("count").get<std::size_t>();
  EXPECT_EQ(failed, 2u);
}

}  // namespace
}  // namespace genrewise::testing
