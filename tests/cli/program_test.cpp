#include <gmock/gmock.h>

#include <sstream>

#include "cli/program.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> commands() {
  const Ran help = run_program({"--help"});
  EXPECT_EQ(help.code, 0);
  std::vector<std::string> names;
  std::istringstream list(help.out.substr(help.out.find("Subcommands:")));
  std::string line;
  while (std::getline(list, line))
    if (line.starts_with("  ") && line.size() > 2 && line[2] != ' ')
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
  return names;
}

TEST(Program, TellsItsVersion) {
  const Ran ran = run_program({"--version"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, StartsWith("genrewise 0."));
  EXPECT_THAT(ran.err, IsEmpty());
}

TEST(Program, ShowsExamplesInTheHelpOfEveryCommand) {
  const auto names = commands();
  EXPECT_THAT(names, ::testing::IsSupersetOf({"extract", "predict"}));
  for (const std::string& name : names) {
    const Ran ran = run_program({name, "--help"});
    EXPECT_EQ(ran.code, 0) << name;
    EXPECT_THAT(ran.out, HasSubstr("Examples:\n  genrewise " + name)) << name;
    EXPECT_THAT(ran.err, IsEmpty()) << name;
  }
}

TEST(Program, EndsWithTwoOnWrongUsage) {
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

TEST(Program, NamesTheCommandThatItDoesNotKnow) {
  EXPECT_THAT(run_program({"extrct", "x"}).err, HasSubstr("extrct"));
}

TEST(Program, EndsQuietlyWhenNobodyReadsItsOutput) {
  const Ran ran = run_program_unread({"--help"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.err, IsEmpty());
}

TEST(Program, SaysThatItsOutputCannotBeWritten) {
  const Ran ran = run_program_into("/dev/full", {"--help"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("standard output"));
  EXPECT_THAT(ran.err, HasSubstr("disk is full"));
}

}  // namespace
}  // namespace genrewise::testing
