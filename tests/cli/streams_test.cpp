// Standard descriptors that are closed or cannot be written.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/program.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Streams : public ::testing::Test {
 protected:
  Streams() {
    std::ofstream table(folder_ / "table.csv");
    table << "filename,f1,f2,label\n";
    for (int i = 0; i < 60; ++i)
      table << 't' << i << ',' << i % 3 + i % 7 * 0.1 << ',' << i % 5 * 0.3 - i % 3 << ',' << "abc"[i % 3] << '\n';
  }
  /// Exit code of a training with these redirections; the model is m.gwm.
  int train(const std::string& redirections, const std::string& model = "logreg") {
    fs::remove(folder_ / "m.gwm");
    const std::string command = "cd '" + folder_.path().string() + "' && '" + (bin_folder() / "genrewise").string() +
                                "' train table.csv --scheme random --model " + model + " -o m.gwm " + redirections;
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  TemporaryFolder folder_;
};

TEST_F(Streams, OfMessagesThatCannotBeWrittenDoNotEndTheWork) {
  ASSERT_EQ(train(">out 2>err"), 0);
  const std::string model = read_file(folder_ / "m.gwm"), out = read_file(folder_ / "out");
  for (const char* redirections : {">out 2>/dev/full", ">out 2>&-", ">out 2>&- <&-", ">out 2>/dev/full <&-"}) {
    EXPECT_EQ(train(redirections), 0) << redirections;
    EXPECT_EQ(read_file(folder_ / "m.gwm"), model) << redirections;
    EXPECT_EQ(read_file(folder_ / "out"), out) << redirections;
  }
}

TEST_F(Streams, OfResultsThatCannotBeWrittenAreAnErrorAfterTheModelIsSaved) {
  ASSERT_EQ(train(">out 2>err"), 0);
  const std::string model = read_file(folder_ / "m.gwm");
  for (const char* redirections : {">/dev/full 2>err", ">&- 2>err", ">&- 2>err <&-", ">&- 2>&- <&-"}) {
    EXPECT_EQ(train(redirections), 1) << redirections;
    EXPECT_EQ(read_file(folder_ / "m.gwm"), model) << redirections;
  }
  ASSERT_EQ(train(">&- 2>err"), 1);
  EXPECT_THAT(read_file(folder_ / "err"), HasSubstr("standard output"));
}

TEST_F(Streams, ThatAreClosedDoNotLeadMessagesIntoFiles) {
  if (!fs::exists(bin_folder() / "genrewise-neural")) GTEST_SKIP() << "genrewise-neural is not built";
  EXPECT_EQ(train("--run run >out 2>&-", "dense:epochs=2"), 0);
  for (const auto& file : fs::directory_iterator(folder_ / "run"))
    EXPECT_EQ(read_file(file.path()).find("epoch 1 of 2"), std::string::npos) << file.path();
}

TEST_F(Streams, ShowNoControlCharactersOfFiles) {
  std::ofstream(folder_ / "bad\x1b[31m.csv") << "nothing\n";
  const Ran ran = run_program(
      {"train", (folder_ / "bad\x1b[31m.csv").string(), "--model", "gnb", "-o", (folder_ / "m.gwm").string()});
  EXPECT_NE(ran.code, 0);
  EXPECT_THAT(ran.err, HasSubstr("\\x1b[31m"));
  EXPECT_EQ(ran.err.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace genrewise::testing
