// study without --models: presets, budgets, seeds and records, from the command line.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "genrewise/storage/files.hpp"
#include "support/table_csv.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct PresetCommand : ::testing::Test {
  PresetCommand() { write_file(table, table_csv()); }
  Ran study(const Arguments& more = {}) const {
    Arguments arguments = {"study", table, "-o", run};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  }
  json results() const { return json::parse(read_file(fs::path(run) / "results.json")); }
  std::vector<double> accuracies(const json& models) const {
    std::vector<double> values;
    for (const json& model : models) values.push_back(model["accuracy"]["value"]);
    return values;
  }

  TemporaryFolder folder;
  std::string table = folder / "table.csv", run = folder / "run";
};

TEST_F(PresetCommand, ComparesTheSystemsThatATableAllowsAndNamesThemAsTheStudyDoes) {
  const Ran ran = study();
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("model"), HasSubstr("features"), HasSubstr("Gaussian naive Bayes"),
                             HasSubstr("Most frequent genre")));
  EXPECT_THAT(ran.err, AllOf(HasSubstr("Expected time:"), HasSubstr("no audio")));
  const json document = results();
  EXPECT_EQ(document["preset"], "default");
  EXPECT_EQ(document["models"].size(), 11u);
  EXPECT_TRUE(document["left_out"].empty());
  EXPECT_EQ(document["stages"][0]["stage"], "features table");
  EXPECT_EQ(document["stages"].back()["stage"], "results");
}

TEST_F(PresetCommand, LeavesOutWhatExceedsTheBudgetAndKeepsItsChoiceWhenContinued) {
  const Ran ran = study({"--budget", "1e-9"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const json document = results();
  EXPECT_EQ(document["models"].size(), 1u);
  ASSERT_EQ(document["left_out"].size(), 10u);
  EXPECT_THAT(document["left_out"][0]["remedy"], HasSubstr("--budget"));
  EXPECT_THAT(ran.err, AllOf(HasSubstr("Left out:"), HasSubstr("longer than the budget")));
  const std::string plan = read_file(fs::path(run) / "plan.json");
  ASSERT_EQ(study({"--budget", "1e-9"}).code, 0);
  EXPECT_EQ(read_file(fs::path(run) / "plan.json"), plan);  // measured once
  EXPECT_EQ(results()["left_out"], document["left_out"]);
}

TEST_F(PresetCommand, RefusesOptionsWithoutEffect) {
  EXPECT_EQ(study({"--models", "gnb", "--preset", "best"}).code, 2);
  EXPECT_EQ(study({"--models", "gnb", "--budget", "5"}).code, 2);
  EXPECT_EQ(study({"--preset", "worst"}).code, 2);
  EXPECT_EQ(study({"--budget", "0"}).code, 2);
  EXPECT_EQ(study({"--seeds", "0"}).code, 2);
  const Ran no_network = study({"--pack-to", folder / "packs"});
  EXPECT_EQ(no_network.code, 2);
  EXPECT_THAT(no_network.err, HasSubstr("--pack-to"));
  EXPECT_FALSE(fs::exists(folder / "packs"));
  EXPECT_FALSE(fs::exists(run));
}

TEST_F(PresetCommand, RepeatsEverySeedOnceAndReportsMeanAndSpread) {
  const Arguments three = {"--models", "gnb,knn", "--seeds", "3"};
  const Ran ran = study(three);
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("Test accuracy with 3 seeds"));
  const json repeats = results()["repeats"];
  EXPECT_EQ(repeats["seeds"], json({42, 43, 44}));
  ASSERT_EQ(repeats["models"].size(), 2u);
  const std::vector<double> values = repeats["models"][0]["values"];
  ASSERT_EQ(values.size(), 3u);
  EXPECT_NEAR(repeats["models"][0]["mean"], (values[0] + values[1] + values[2]) / 3, 1e-12);
  EXPECT_EQ(values[0], results()["models"][0]["accuracy"]["value"]);
  // Continued after the loss of one result, everything is equal and the others are not fitted again.
  const fs::path kept = fs::path(run) / "seeds" / "43" / "gnb.json", lost = fs::path(run) / "seeds" / "44" / "knn.json";
  const auto old = fs::last_write_time(kept);
  ASSERT_TRUE(fs::remove(lost));
  ASSERT_EQ(study(three).code, 0);
  EXPECT_EQ(results()["repeats"], repeats);
  EXPECT_EQ(fs::last_write_time(kept), old);
  EXPECT_TRUE(fs::exists(lost));
  // A repeat is the study with that seed.
  const Ran single =
      run_program({"study", table, "-o", folder / "single", "--models", "gnb,knn", "--seed", "43", "--json"});
  ASSERT_EQ(single.code, 0) << single.err;
  EXPECT_EQ(json::parse(single.out)["models"][0]["accuracy"]["value"], values[1]);
}

TEST_F(PresetCommand, BestWithoutWeightsUsesTheEngineeredFeatures) {
  make_music(folder / "music", 6, 2.0);
  make_folders(folder / "weights");
  const Arguments arguments = {"study", folder / "music", "-o",     run,         "--preset",
                               "best",  "--scheme",       "random", "--weights", folder / "weights"};
  const Ran ran = run_program(arguments);
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, AllOf(HasSubstr("The preset best uses the features music."), HasSubstr("fetch weights")));
  const json document = results();
  EXPECT_EQ(document["models"][0]["name"], "music/ensemble");
  EXPECT_EQ(document["models"].size(), 4u);
  EXPECT_EQ(document["left_out"].size(), 12u);
  EXPECT_THAT(document["command"], HasSubstr("--preset best"));
}

TEST_F(PresetCommand, TrainingWithoutAModelTakesTheFirstOfThePresetBestAndNamesIt) {
  make_music(folder / "music", 6, 2.0);
  make_folders(folder / "weights");
  const std::string model = folder / "m.gwm";
  const auto train = [&](const Arguments& more) {
    Arguments arguments = {"train",    folder / "music", "-o",        model,
                           "--scheme", "random",         "--weights", folder / "weights"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  };
  const Ran ran = train({});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, AllOf(HasSubstr("music/ensemble is trained"), HasSubstr("fetch weights")));
  EXPECT_THAT(ran.err, Not(HasSubstr("svm-rbf")));
  EXPECT_EQ(run_program({"predict", "--model", model, folder / "music"}).code, 0);
  const Ran own = train({"--features", "mfcc", "--pca", "3"});
  ASSERT_EQ(own.code, 0) << own.err;
  EXPECT_THAT(own.err, AllOf(HasSubstr("No model is named: ensemble is trained."), Not(HasSubstr("fetch weights"))));
  EXPECT_EQ(run_program({"train", table, "-o", model}).code, 0);
}

TEST_F(PresetCommand, WritesTheRecordsOfNetworksOnceAndTheyVerify) {
  if (!fs::exists(bin_folder() / "genrewise-neural")) GTEST_SKIP() << "genrewise-neural was not built";
  make_music(folder / "music", 8, 1.0);
  const Arguments arguments = {"study",     folder / "music", "-o",       run,     "--models", "raw10k/cnn1d:epochs=1",
                               "--pack-to", folder / "packs", "--scheme", "random"};
  const Ran ran = run_program(arguments);
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("Records of raw10k: 24 examples"));
  const std::string pack = folder / "packs" / "raw10k";
  EXPECT_EQ(run_program({"pack", pack, "--verify"}).code, 0);
  const auto old = fs::last_write_time(fs::path(pack) / "manifest.json");
  ASSERT_EQ(run_program(arguments).code, 0);
  EXPECT_EQ(fs::last_write_time(fs::path(pack) / "manifest.json"), old);
  // The same records as `genrewise pack` writes.
  ASSERT_EQ(
      run_program({"pack", folder / "music", "--features", "raw10k", "--scheme", "random", "-o", folder / "other"})
          .code,
      0);
  EXPECT_EQ(json::parse(read_file(folder / "other" / "manifest.json"))["shards"],
            json::parse(read_file(fs::path(pack) / "manifest.json"))["shards"]);
}

TEST_F(PresetCommand, ShowsTheStageAndTheTimeLeftOnATerminal) {
  make_music(folder / "music", 6, 2.0);
  make_folders(folder / "weights");
  const Ran ran = run_program_on_terminal(120, {"study", folder / "music", "-o", run, "--preset", "best", "--features",
                                                "music", "--scheme", "random", "--weights", folder / "weights"});
  ASSERT_EQ(ran.code, 0) << ran.out;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("[1/6, "), HasSubstr(" left] extracting music"), HasSubstr("[2/6] fitting ensemble")));
}

}  // namespace
}  // namespace genrewise::testing
