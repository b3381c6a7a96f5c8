// Networks, trained and used from the command line.
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"
#include "support/neural_test_support.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Not;

bool has_neural_program() {
  return fs::exists(bin_folder() / "genrewise-neural");
}

class NetworkCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_neural_program()) GTEST_SKIP() << "genrewise-neural was not built";
    make_music(folder_ / "music", 8, 1);
    const Ran ran = run_program({"pack", folder_ / "music", "--features", "raw10k", "--scheme", "random", "--shards",
                                 "2", "-o", folder_ / "pack"});
    ASSERT_EQ(ran.code, 0) << ran.err;
  }
  Ran train(const Arguments& more) {
    Arguments all{"train",   folder_ / "pack", "--model", "cnn1d_strided",
                  "--param", "batch_size=4",   "-o",      folder_ / "net.gwm"};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(all);
  }
  TemporaryFolder folder_;
};

TEST_F(NetworkCommand, TrainsOnAPackAndPredictsTheGenreOfNewMusic) {
  const Ran trained = train({"--param", "epochs=12", "--run", folder_ / "run"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("test"));
  EXPECT_THAT(trained.err, HasSubstr("input wait"));
  EXPECT_TRUE(fs::exists(folder_ / "run/curves.csv"));
  write_file(folder_ / "new.wav", made_wav("noise", 77, 1));
  const Ran predicted = run_program({"predict", "--csv", "--model", folder_ / "net.gwm", folder_ / "new.wav"});
  ASSERT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_THAT(predicted.out, HasSubstr(",1,noise,"));
}

TEST_F(NetworkCommand, ContinuesAfterAnInterruptionToTheSameModel) {
  const Arguments options{"--param", "epochs=6", "--run", folder_ / "run"};
  const Ran stopped =
      run_program_and_signal(SIGINT,
                             {"train", folder_ / "pack", "--model", "cnn1d_strided", "--param", "batch_size=4", "-o",
                              folder_ / "net.gwm", "--param", "epochs=6", "--run", folder_ / "run"},
                             [&] { return fs::exists(folder_ / "run/curves.csv"); });
  if (stopped.code != 130) GTEST_SKIP() << "it ended before the signal";
  ASSERT_FALSE(fs::exists(folder_ / "net.gwm"));
  ASSERT_EQ(train(options).code, 0);
  const std::string resumed = read_file(folder_ / "net.gwm");
  ASSERT_EQ(train({"--param", "epochs=6"}).code, 0);
  EXPECT_EQ(read_file(folder_ / "net.gwm"), resumed);
}

TEST_F(NetworkCommand, RefusesTheRunFolderOfAnotherTrainingAndAMissingGpu) {
  ASSERT_EQ(train({"--param", "epochs=1", "--run", folder_ / "run"}).code, 0);
  const Ran other = train({"--param", "epochs=2", "--run", folder_ / "run"});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err, HasSubstr("parameters/epochs differs"));
  const Ran gpu = train({"--param", "epochs=1", "--device", "cuda:99"});
  EXPECT_EQ(gpu.code, 1);
  EXPECT_THAT(gpu.err, HasSubstr("--device cuda:99"));
}

TEST_F(NetworkCommand, UsesTheGivenSplitAndRefusesOptionsThatBatchesCannotFollow) {
  const auto examples_with = [&](const Arguments& more) {
    Arguments all{"--json", "--param", "epochs=1"};
    all.insert(all.end(), more.begin(), more.end());
    const Ran ran = train(all);
    EXPECT_EQ(ran.code, 0) << ran.err;
    return nlohmann::json::parse(ran.out).at("examples").get<int>();
  };
  const int stated = examples_with({}), all = examples_with({"--on", "all"});
  EXPECT_LT(stated, all);
  EXPECT_EQ(examples_with({"--on", "training+validation"}) < all, true);
  const Ran other = train({"--json", "--param", "epochs=1", "--scheme", "random", "--seed", "7"});
  ASSERT_EQ(other.code, 0) << other.err;
  const Ran refused = train({"--param", "epochs=1", "--pca", "3"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("--pca"));
}

TEST_F(NetworkCommand, TrainsClassicalClassifiersOnAPackToo) {
  const Ran ran = run_program({"train", folder_ / "pack", "--model", "gnb", "-o", folder_ / "gnb.gwm"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("validation"));
}

/// Two clusters that a small network separates.
std::string clusters_csv() {
  std::string csv = "track_id,genre,artist,loud,fast\n";
  for (int i = 0; i < 80; ++i)
    csv += std::to_string(i) + (i % 2 == 0 ? ",Jazz,a" : ",Rock,b") + std::to_string(i / 4) + "," +
           std::to_string(i % 2 + 0.01 * (i % 7)) + "," + std::to_string(0.1 * (i % 5)) + "\n";
  return csv;
}

TEST(NetworkOnATable, IsTrainedAndEvaluated) {
  if (!has_neural_program()) GTEST_SKIP() << "genrewise-neural was not built";
  const TemporaryFolder folder;
  const std::string table = folder / "table.csv", model = folder / "net.gwm";
  write_file(table, clusters_csv());
  const Ran trained =
      run_program({"train", table, "--model", "dense:epochs=40:batch_size=8:hidden_layer_sizes=16", "-o", model});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const Ran evaluated = run_program({"evaluate", model, table, "--part", "all", "--json"});
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  const auto accuracy = nlohmann::json::parse(evaluated.out).at("accuracy").at("value").get<double>();
  EXPECT_GT(accuracy, 0.95);
}

TEST(NetworkOnATable, ReportsItsEpochsOnStandardErrorAndNothingOnStandardOutput) {
  if (!has_neural_program()) GTEST_SKIP() << "genrewise-neural was not built";
  const TemporaryFolder folder;
  const std::string table = folder / "table.csv";
  write_file(table, clusters_csv());
  const Ran trained =
      run_program({"train", table, "--model", "dense", "--param", "epochs=2", "-o", folder / "net.gwm"});
  EXPECT_THAT(trained.err, HasSubstr("epoch 2 of 2"));
  EXPECT_THAT(trained.err, Not(HasSubstr("fitting")));
  EXPECT_THAT(trained.out, Not(HasSubstr("epoch")));
}

TEST(NetworkOnATable, ShowsItsOwnProgressAloneOnATerminal) {
  if (!has_neural_program()) GTEST_SKIP() << "genrewise-neural was not built";
  const TemporaryFolder folder;
  const std::string table = folder / "table.csv";
  write_file(table, clusters_csv());
  const Ran trained = run_program_on_terminal(
      80, {"train", table, "--model", "dense", "--param", "epochs=2", "-o", folder / "net.gwm"});
  EXPECT_EQ(trained.code, 0) << trained.out;
  EXPECT_THAT(trained.out, AllOf(HasSubstr("epoch 2 of 2"), Not(HasSubstr("of 1 fits"))));
}

TEST(NetworkOnATable, IsMeasuredOnTheValidationPartOfTheSplit) {
  if (!has_neural_program()) GTEST_SKIP() << "genrewise-neural was not built";
  const TemporaryFolder folder;
  const std::string table = folder / "table.csv";
  write_file(table, clusters_csv());
  const auto train = [&](const std::string& run, const Arguments& more) {
    Arguments all{"train", table,        "--model", "dense:epochs=3",  "--json",
                  "--run", folder / run, "-o",      folder / "net.gwm"};
    all.insert(all.end(), more.begin(), more.end());
    const Ran ran = run_program(all);
    EXPECT_EQ(ran.code, 0) << ran.err;
    return nlohmann::json::parse(ran.out).at("training");
  };
  const auto watched = train("watched", {});
  ASSERT_EQ(watched.at("epochs").size(), 3u);
  EXPECT_TRUE(watched.at("epochs").at(0).contains("validation_loss"));
  EXPECT_THAT(read_file(folder / "watched/curves.csv"), Not(HasSubstr(",,")));
  const auto whole = train("whole", {"--on", "training+validation"});
  EXPECT_FALSE(whole.at("epochs").at(0).contains("validation_loss"));
  EXPECT_EQ(whole.at("chosen_epoch"), 3);
}

/// A study of a network and a classical model on that table, in `folder`/NAME.
Arguments network_study(const TemporaryFolder& folder, const std::string& name, const std::string& network) {
  write_file(folder / "table.csv", clusters_csv());
  return {"study", folder / "table.csv", "-o", folder / name, "--models", network, "gnb"};
}

nlohmann::json models_of(const fs::path& run) {
  auto models = nlohmann::json::parse(read_file(run / "results.json")).at("models");
  for (auto& model : models)
    for (const char* time : {"choose_s", "fit_s", "predict_s", "cost"}) model.erase(time);
  return models;
}

TEST(NetworkInAStudy, HasATrainingCurveARunFolderAndNoCheckpointsAfterwards) {
  if (!has_neural_program()) GTEST_SKIP() << "genrewise-neural was not built";
  const TemporaryFolder folder;
  const Ran ran = run_program(network_study(folder, "run", "dense:epochs=3,5:hidden_layer_sizes=16"));
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, Not(HasSubstr("input wait"))) << "one line per epoch would be too many in a study";
  const auto training = models_of(folder / "run").at(0).at("training");
  const fs::path own = folder / "run" / training.at("folder").get<std::string>();
  EXPECT_TRUE(fs::exists(own / "curves.csv"));
  EXPECT_TRUE(training.at("epochs").at(0).contains("validation_accuracy"));
  const std::string final_curve = read_file(own.parent_path() / "final/curves.csv");
  EXPECT_EQ(std::ranges::count(final_curve, '\n'), 1 + training.at("chosen_epoch").get<int>());
  std::size_t events = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder / "run/networks")) {
    EXPECT_NE(entry.path().extension(), ".safetensors") << entry.path();
    events += entry.path().filename().string().starts_with("events.out.tfevents");
  }
  EXPECT_EQ(events, 3u);
  EXPECT_FALSE(models_of(folder / "run").at(1).contains("training"));
}

TEST(NetworkInAStudy, ContinuesInTheMiddleOfATrainingToTheSameResult) {
  if (!has_neural_program()) GTEST_SKIP() << "genrewise-neural was not built";
  const TemporaryFolder folder;
  const std::string network = "dense:epochs=150:batch_size=4:hidden_layer_sizes=16";
  ASSERT_EQ(run_program(network_study(folder, "whole", network)).code, 0);
  const Arguments parted = network_study(folder, "parted", network);
  const fs::path networks = folder / "parted/networks";
  int stops = 0;
  for (const char* point : {"point-1", "final"}) {
    const Ran stopped = run_program_and_signal(SIGINT, parted, [&] {
      return fs::exists(networks) && std::ranges::any_of(fs::directory_iterator(networks), [&](const auto& model) {
               return fs::exists(model.path() / point / "curves.csv");
             });
    });
    if (stopped.code != 130) continue;
    ++stops;
    EXPECT_FALSE(fs::exists(folder / "parted/results.json"));
    const fs::path own = fs::directory_iterator(networks)->path();
    EXPECT_TRUE(fs::exists(own / point / "last.safetensors"));
  }
  if (stops == 0) GTEST_SKIP() << "it ended before the signal";
  ASSERT_EQ(run_program(parted).code, 0);
  EXPECT_EQ(models_of(folder / "parted"), models_of(folder / "whole"));
}

TEST(NetworkInAStudy, IsKilledAndItsRemainsAreNeverTakenForAnotherRun) {
  if (!has_neural_program()) GTEST_SKIP() << "genrewise-neural was not built";
  const TemporaryFolder folder;
  const std::string network = "dense:epochs=120:batch_size=4:hidden_layer_sizes=16";
  const Arguments arguments = network_study(folder, "run", network);
  const fs::path networks = folder / "run/networks";
  const auto curves = [&](const char* point) {
    return [&, point] {
      return fs::exists(networks) && std::ranges::any_of(fs::directory_iterator(networks), [&](const auto& model) {
               return fs::exists(model.path() / point / "curves.csv");
             });
    };
  };
  const Ran stopped = run_program_and_signal(SIGINT, arguments, curves("point-1"));
  if (stopped.code != 130) GTEST_SKIP() << "it ended before the signal";
  const fs::path own = fs::directory_iterator(networks)->path() / "point-1";
  std::string checkpoint = read_file(own / "last.safetensors");
  checkpoint[checkpoint.size() / 2] ^= 1;
  write_file(own / "last.safetensors", checkpoint);
  run_program_and_signal(SIGKILL, arguments, curves("final"));
  const Ran ended = run_program(arguments);
  ASSERT_EQ(ended.code, 0) << ended.err;
  ASSERT_EQ(run_program(network_study(folder, "whole", network)).code, 0);
  EXPECT_EQ(models_of(folder / "run"), models_of(folder / "whole"));
}

TEST(NetworkInAStudy, FailsAloneWhenItDiverges) {
  if (!has_neural_program()) GTEST_SKIP() << "genrewise-neural was not built";
  const TemporaryFolder folder;
  const Ran ran = run_program(network_study(
      folder, "run", "dense:epochs=20:optimiser=sgd:learning_rate=1e30:batch_norm=false:input_norm=false"));
  EXPECT_EQ(ran.code, 1) << "a model is missing in the comparison";
  const auto models = models_of(folder / "run");
  EXPECT_THAT(models.at(0).at("error").get<std::string>(),
              AllOf(HasSubstr("finite"), HasSubstr("epoch"), HasSubstr("lower learning_rate")));
  EXPECT_TRUE(models.at(1).contains("accuracy"));
}

TEST(NetworkInAStudy, ShowsItsEpochsOnATerminal) {
  if (!has_neural_program()) GTEST_SKIP() << "genrewise-neural was not built";
  const TemporaryFolder folder;
  const Ran ran =
      run_program_on_terminal(120, network_study(folder, "run", "dense:epochs=100:batch_size=2:hidden_layer_sizes=64"));
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_THAT(ran.out, ::testing::ContainsRegex("training: [0-9]+ %.*; epoch [0-9]+ of 100, loss [0-9.]+, validation"));
  EXPECT_THAT(ran.out, HasSubstr("of 2 fits"));
}

TEST(NetworkOnATable, ReportsWhatToInstallWhereTheProgramIsMissingAndChecksParametersWithoutIt) {
  const TemporaryFolder folder;
  const Environment missing("GENREWISE_NEURAL_PROGRAM", folder / "genrewise-neural");
  const std::string table = folder / "table.csv";
  write_file(table, clusters_csv());
  const Ran trained = run_program({"train", table, "--model", "dense", "-o", folder / "net.gwm"});
  EXPECT_EQ(trained.code, 1);
  EXPECT_THAT(trained.err, AllOf(HasSubstr("genrewise-neural"), HasSubstr("GENREWISE_NEURAL_PROGRAM")));
  const Ran wrong =
      run_program({"train", table, "--model", "dense", "--param", "epochs=none", "-o", folder / "net.gwm"});
  EXPECT_NE(wrong.code, 0);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("epochs"), Not(HasSubstr("GENREWISE_NEURAL_PROGRAM"))));
}

TEST(PlainProgram, LoadsNeitherLibtorchNorHdf5) {
  const TemporaryFolder folder;
  const std::string listing = folder / "ldd";
  ASSERT_EQ(std::system(("ldd '" + (bin_folder() / "genrewise").string() + "' > '" + listing + "'").c_str()), 0);
  EXPECT_THAT(read_file(listing), AllOf(HasSubstr("libc.so"), Not(HasSubstr("torch")), Not(HasSubstr("hdf5"))));
}

/// Makes weights of all networks for zero-shot predictions.
fs::path write_weights(const fs::path& folder) {
  for (const char* network : {"efficientat", "musicnn_msd", "musicnn_mtt"})
    write_file(folder / (std::string(network) + ".safetensors"), seeded_weights(network).serialise());
  return folder;
}

TEST(ZeroShot, PredictsOneOfTheGivenGenresWithPretrainedWeights) {
  const TemporaryFolder weights_folder, folder;
  const fs::path weights = write_weights(weights_folder.path());
  write_file(folder / "new.wav", made_wav("noise", 5, 4));
  const Ran predicted = run_program({"predict", "--csv", "--zero-shot", "--genres", "Jazz,Techno", "--weights",
                                     weights.string(), folder / "new.wav"});
  ASSERT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_THAT(predicted.out, AllOf(HasSubstr("Jazz"), HasSubstr("Techno"), Not(HasSubstr("Rock"))));
  const Ran unknown = run_program(
      {"predict", "--zero-shot", "--genres", "Jazz,Polkacore", "--weights", weights.string(), folder / "new.wav"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("Polkacore"), HasSubstr("Techno")));
}

TEST(ZeroShot, IsThePredictionWithoutAModel) {
  const TemporaryFolder weights_folder, folder;
  const fs::path weights = write_weights(weights_folder.path());
  write_file(folder / "new.wav", made_wav("noise", 5, 4));
  const Arguments end = {"--genres", "Jazz,Techno", "--csv", folder / "new.wav"};
  const auto with = [&](Arguments arguments, const fs::path& location) {
    arguments.insert(arguments.end(), {"--weights", location.string()});
    arguments.insert(arguments.end(), end.begin(), end.end());
    return run_program(arguments);
  };
  const Ran named = with({"predict", "--zero-shot"}, weights);
  EXPECT_EQ(with({"predict"}, weights).out, named.out);
  for (const char* name : {"musicnn_msd.safetensors", "musicnn_mtt.safetensors"})
    fs::copy_file(weights / name, folder / name);
  const Ran by_tags = with({"predict"}, folder.path());
  ASSERT_EQ(by_tags.code, 0) << by_tags.err;
  EXPECT_THAT(by_tags.out, AllOf(HasSubstr("Jazz"), HasSubstr("Techno"), Not(Eq(named.out))));
  EXPECT_THAT(by_tags.err, HasSubstr("musicnn's tags"));
}

TEST(ZeroShot, ReportsWhatToFetchWithoutWeights) {
  TemporaryFolder folder;
  write_file(folder / "new.wav", made_wav("noise", 5, 4));
  const Environment home("XDG_DATA_HOME", folder / "data");
  const Environment none("GENREWISE_WEIGHTS", folder / "data");
  for (const Arguments& start : {Arguments{"predict"}, Arguments{"predict", "--zero-shot"}}) {
    Arguments arguments = start;
    arguments.push_back(folder / "new.wav");
    const Ran without = run_program(arguments);
    EXPECT_EQ(without.code, 1);
    EXPECT_THAT(without.err, AllOf(HasSubstr("genrewise fetch weights musicnn"), HasSubstr("--model")));
    EXPECT_EQ(std::ranges::count(without.err, '\n'), 1) << without.err;
  }
  const Ran nowhere = run_program({"predict", "--zero-shot", "--weights", folder / "nowhere", folder / "new.wav"});
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("nowhere"));
}

}  // namespace
}  // namespace genrewise::testing
