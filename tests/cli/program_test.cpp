#include <gmock/gmock.h>

#include "cli/program.hpp"
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

}  // namespace
}  // namespace genrewise::testing
