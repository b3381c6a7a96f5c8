#include <gmock/gmock.h>
#include <signal.h>

#include <cstdlib>

#include "cli/program.hpp"
#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(Program, PrintsItsVersion) {
  const Ran ran = run_program({"--version"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, StartsWith("genrewise 0."));
  EXPECT_THAT(ran.err, IsEmpty());
}

TEST(Program, ExitsWithTwoOnWrongUsage) {
  for (const Arguments& arguments :
       {Arguments{}, Arguments{"extrct"}, Arguments{"extract"}, Arguments{"extract", "x", "-o", "y.csv", "--nonsense"},
        Arguments{"extract", "x", "-o", "y.csv", "--features", "fma519"},
        Arguments{"extract", "x", "-o", "y.csv", "--threads", "0"},
        Arguments{"extract", "x", "-o", "y.csv", "--clip-seconds", "-1"},
        Arguments{"extract", "x", "-o", "y.csv", "--subset", "tiny"}, Arguments{"predict", "-m", "m.gwm"},
        Arguments{"predict", "-m", "m.gwm", "a.mp3", "--top", "0"},
        Arguments{"predict", "-m", "m.gwm", "a.mp3", "--json", "--csv"}}) {
    const Ran ran = run_program(arguments);
    EXPECT_EQ(ran.code, 2) << ::testing::PrintToString(arguments);
    EXPECT_THAT(ran.err, StartsWith("genrewise: wrong usage: ")) << ::testing::PrintToString(arguments);
    EXPECT_THAT(ran.out, IsEmpty());
  }
}

TEST(Program, NamesAnUnknownCommand) {
  EXPECT_THAT(run_program({"extrct", "x"}).err, HasSubstr("extrct"));
}

TEST(Program, EndsQuietlyWhenItsOutputIsClosed) {
  const Ran ran = run_program_unread({"--help"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.err, IsEmpty());
}

TEST(Program, FailsWhenItsOutputCannotBeWritten) {
  const Ran ran = run_program_into("/dev/full", {"--help"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("standard output"));
  EXPECT_THAT(ran.err, HasSubstr("disk is full"));
}

/// Without the catalogue of the user.
struct Serve : ::testing::Test {
  const TemporaryFolder folder;
  const Environment home{"HOME", folder.path()}, data{"XDG_DATA_HOME", ""}, library{"GENREWISE_LIBRARY", ""};
};

TEST_F(Serve, RefusesAnEmptyToken) {
  write_file(folder / "token.txt", "\n");
  for (const Arguments& option : {Arguments{"--token", ""}, Arguments{"--token-file", folder / "token.txt"}}) {
    Arguments arguments{"serve", "--port", "0"};
    arguments.insert(arguments.end(), option.begin(), option.end());
    const Ran ran = run_program(arguments);
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.err, ::testing::AllOf(HasSubstr("is empty"), HasSubstr(option[0]), HasSubstr("openssl rand")));
  }
}

TEST_F(Serve, DoesNotWaitForTheBrowser) {
  const std::string opened = folder / "opened";
  // Ends when the folder is removed.
  write_file(folder / "xdg-open",
             "#!/bin/sh\ntouch '" + opened + "'\nwhile [ -e '" + opened + "' ]; do sleep 0.1; done\n");
  std::filesystem::permissions(folder / "xdg-open", std::filesystem::perms::owner_all);
  const Environment path("PATH", folder.path().string() + ":" + std::getenv("PATH"));
  const Ran ran = run_program_and_signal(SIGINT, {"serve", "--port", "0", "--open"},
                                         [&] { return std::filesystem::exists(opened); });
  EXPECT_EQ(ran.code, 0) << ran.err;
}

}  // namespace
}  // namespace genrewise::testing
