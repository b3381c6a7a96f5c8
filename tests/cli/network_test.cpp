// Networks, as a person trains and uses them.
#include <gmock/gmock.h>

#include <csignal>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class NetworkCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(bin_folder() / "genrewise-neural")) GTEST_SKIP() << "this build has no neural half";
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

TEST_F(NetworkCommand, LearnsFromAPackAndNamesTheGenreOfMusicThatItNeverHeard) {
  const Ran trained = train({"--param", "epochs=12", "--run", folder_ / "run"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("test"));
  EXPECT_THAT(trained.err, HasSubstr("input wait"));
  EXPECT_TRUE(fs::exists(folder_ / "run/curves.csv"));
  write_file(folder_ / "new.wav", made_wav("noise", 77, 1));
  const Ran said = run_program({"predict", "--csv", "--model", folder_ / "net.gwm", folder_ / "new.wav"});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr(",1,noise,"));
}

TEST_F(NetworkCommand, GoesOnAfterAnInterruptionToTheSameModel) {
  const Arguments options{"--param", "epochs=6", "--run", folder_ / "run"};
  const Ran stopped =
      run_program_and_signal(SIGINT,
                             {"train", folder_ / "pack", "--model", "cnn1d_strided", "--param", "batch_size=4", "-o",
                              folder_ / "net.gwm", "--param", "epochs=6", "--run", folder_ / "run"},
                             [&] { return fs::exists(folder_ / "run/curves.csv"); });
  if (stopped.code != 130) GTEST_SKIP() << "it was done before the signal came";
  ASSERT_FALSE(fs::exists(folder_ / "net.gwm"));
  ASSERT_EQ(train(options).code, 0);
  const std::string resumed = read_file(folder_ / "net.gwm");
  ASSERT_EQ(train({"--param", "epochs=6"}).code, 0);
  EXPECT_EQ(read_file(folder_ / "net.gwm"), resumed);
}

TEST_F(NetworkCommand, RefusesTheRunFolderOfAnotherTrainingAndAGpuThatIsNotThere) {
  ASSERT_EQ(train({"--param", "epochs=1", "--run", folder_ / "run"}).code, 0);
  const Ran other = train({"--param", "epochs=2", "--run", folder_ / "run"});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err, HasSubstr("parameters/epochs differs"));
  const Ran gpu = train({"--param", "epochs=1", "--device", "cuda:99"});
  EXPECT_EQ(gpu.code, 1);
  EXPECT_THAT(gpu.err, HasSubstr("--device cuda:99"));
}

TEST_F(NetworkCommand, TrainsClassicalLearnersOnAPackToo) {
  const Ran ran = run_program({"train", folder_ / "pack", "--model", "gnb", "-o", folder_ / "gnb.gwm"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("validation"));
}

TEST(ZeroShot, NamesOneOfTheGenresAskedForByPretrainedWeights) {
  if (!fs::exists(bin_folder() / "genrewise-neural")) GTEST_SKIP() << "this build has no neural half";
  REQUIRE_SHARED(weights, "weights");
  TemporaryFolder folder;
  write_file(folder / "new.wav", made_wav("noise", 5, 1));
  const Ran said = run_program({"predict", "--csv", "--zero-shot", "--genres", "Jazz,Techno", "--weights",
                                weights.string(), folder / "new.wav"});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.out, AllOf(HasSubstr("Jazz"), HasSubstr("Techno"), Not(HasSubstr("Rock"))));
  const Ran unknown = run_program(
      {"predict", "--zero-shot", "--genres", "Jazz,Polkacore", "--weights", weights.string(), folder / "new.wav"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("Polkacore"), HasSubstr("Techno")));
}

TEST(ZeroShot, SaysWhatToFetchWithoutWeights) {
  if (!fs::exists(bin_folder() / "genrewise-neural")) GTEST_SKIP() << "this build has no neural half";
  TemporaryFolder folder;
  write_file(folder / "new.wav", made_wav("noise", 5, 1));
  const Ran without = run_program({"predict", "--zero-shot", "--weights", folder.path(), folder / "new.wav"});
  EXPECT_EQ(without.code, 1);
  EXPECT_THAT(without.err, AllOf(HasSubstr("genrewise fetch weights efficientat"), HasSubstr("mn04_as_mAP_432.pt")));
  const Ran nowhere = run_program({"predict", "--zero-shot", "--weights", folder / "nowhere", folder / "new.wav"});
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("nowhere"));
}

}  // namespace
}  // namespace genrewise::testing
