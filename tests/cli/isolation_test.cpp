// --isolate of the commands that decode audio.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "support/environment.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class IsolatedCommands : public ::testing::Test {
 protected:
  IsolatedCommands() { make_music(folder_ / "music", 3, 2); }
  TemporaryFolder folder_;
};

TEST_F(IsolatedCommands, WriteTheSameTableAndReport) {
  const auto music = folder_ / "music";
  ASSERT_EQ(run_program({"extract", music, "--features", "mfcc", "-o", folder_ / "plain.csv"}).code, 0);
  const Ran isolated =
      run_program({"extract", music, "--features", "mfcc", "--isolate", "-o", folder_ / "isolated.csv"});
  ASSERT_EQ(isolated.code, 0) << isolated.err;
  EXPECT_EQ(read_file(folder_ / "plain.csv"), read_file(folder_ / "isolated.csv"));
  EXPECT_EQ(run_program({"inspect", music, "--json"}).out, run_program({"inspect", music, "--isolate", "--json"}).out);
}

TEST_F(IsolatedCommands, SkipAFileWhoseDecoderCrashes) {
  const Environment worker("GENREWISE_DECODE_WORKER", bin_folder() / "faulty_decode_worker");
  write_file(folder_ / "music" / "noise" / "odd.wav", made_wav("noise", 9, 2) + "FAULT crash");
  write_file(folder_ / "music" / "noise" / "slow.wav", made_wav("noise", 10, 2) + "FAULT hang");
  const Ran ran = run_program({"extract", folder_ / "music", "--features", "mfcc", "--isolate", "--max-seconds", "3",
                               "-o", folder_ / "table.csv", "--json"});
  EXPECT_EQ(ran.code, 3);
  const json result = json::parse(ran.out);
  EXPECT_EQ(result["rows"], 9);
  ASSERT_EQ(result["skipped"].size(), 2u);
  EXPECT_EQ(result["skipped"][0]["reason"], "decoder crashed (signal 11)");
  EXPECT_EQ(result["skipped"][1]["reason"], "took longer than 3 s");
  EXPECT_THAT(ran.err, HasSubstr("odd.wav"));
}

TEST_F(IsolatedCommands, RefuseLimitsWithoutIsolationAndNumbersOutOfRange) {
  const std::string output = folder_ / "x.csv", music = folder_ / "music";
  EXPECT_EQ(run_program({"extract", music, "--max-seconds", "3", "-o", output}).code, 2);
  EXPECT_EQ(run_program({"inspect", music, "--max-memory", "100"}).code, 2);
  EXPECT_EQ(run_program({"predict", music, "--isolate", "--max-memory", "1"}).code, 2);
  EXPECT_EQ(run_program({"inspect", music, "--isolate", "--max-seconds", "0"}).code, 2);
  EXPECT_EQ(run_program({"decode-worker", "1000000"}).code, 2);
}

}  // namespace
}  // namespace genrewise::testing
