// What a terminal receives: lines that fit, bold and dim text where the terminal shows it, each note once.
#include <gmock/gmock.h>

#include <regex>
#include <sstream>

#include "cli/program.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/notes.hpp"
#include "support/environment.hpp"
#include "support/table_csv.hpp"
#include "support/test_support.hpp"
#include "terminal.hpp"

namespace genrewise::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string without_escapes(const std::string& text) {
  return std::regex_replace(text, std::regex("\x1b\\[[0-9;]*[A-Za-z]"), "");
}

/// Lines as they stay on the screen: a carriage return starts a line again.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(without_escapes(text));
  for (std::string line; std::getline(stream, line);) {
    while (line.ends_with('\r')) line.pop_back();
    lines.push_back(line.substr(line.rfind('\r') + 1));
  }
  return lines;
}

struct Terminal : ::testing::Test {
  Terminal() { write_file(table, table_csv()); }
  Ran study(unsigned short columns, const Arguments& more = {}) const {
    Arguments arguments = {"study", table, "-o", folder / "run", "--models", "gnb,knn"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program_on_terminal(columns, arguments);
  }
  TemporaryFolder folder;
  std::string table = folder / "table.csv";
  Environment term{"TERM", "xterm"}, colour{"NO_COLOR", ""};
};

TEST_F(Terminal, ShowsTheTableAndTheNotesOfAStudyWithinItsWidth) {
  for (const unsigned short columns : {60, 80, 120}) {
    const Ran ran = study(columns, {"--merge", "R&B=Jazz"});
    ASSERT_EQ(ran.code, 0) << ran.out;
    for (const std::string& line : lines_of(ran.out)) {
      if (line.starts_with("report: ")) continue;  // a path to copy stays whole
      EXPECT_LE(cli::display_width(line), columns) << line;
    }
    EXPECT_THAT(ran.out, HasSubstr("95 % interval"));
  }
}

TEST_F(Terminal, ShowsTheBestRowBoldAndNotesDim) {
  const Ran ran = study(80);
  EXPECT_TRUE(std::regex_search(ran.out, std::regex("\x1b\\[1m[a-z]+ \\*")));
  EXPECT_THAT(ran.out, ::testing::ContainsRegex("\x1b\\[2m[A-Z0-9]"));
}

TEST_F(Terminal, ShowsNoColourWithNoColorOrOnADumbTerminal) {
  const auto styles = AllOf(Not(HasSubstr("\x1b[1m")), Not(HasSubstr("\x1b[2m")));
  {
    const Environment none("NO_COLOR", "1");
    EXPECT_THAT(study(80).out, styles);
  }
  const Environment dumb("TERM", "dumb");
  EXPECT_THAT(study(80, {"--force"}).out, AllOf(styles, Not(HasSubstr("\x1b"))));
}

TEST_F(Terminal, ShowsEachNoteOnce) {
  const std::string text = without_escapes(study(80, {"--merge", "R&B=Jazz"}).out);
  const std::string note = "count as Jazz";
  const std::size_t first = text.find(note);
  ASSERT_NE(first, std::string::npos) << text;
  EXPECT_EQ(text.find(note, first + 1), std::string::npos) << text;
}

TEST_F(Terminal, LeavesNotesThatEveryStudyHasToTheReport) {
  const std::vector<std::string> general = caveats(Examples{}, Split{}, StudyResult{});
  ASSERT_FALSE(general.empty());
  const Ran ran = run_program({"study", table, "-o", folder / "run", "--models", "gnb"});
  EXPECT_THAT(ran.err, HasSubstr("test examples"));
  for (const std::string& note : general) {
    EXPECT_THAT(ran.err, Not(HasSubstr(note)));
    EXPECT_THAT(read_file(folder / "run/report.html"), HasSubstr(note));
  }
}

TEST_F(Terminal, ShowsHelpAsWideAsItIs) {
  for (const unsigned short columns : {60, 80, 100}) {
    const Ran ran = run_program_on_terminal(columns, {"study", "--help"});
    std::size_t longest = 0;
    for (const std::string& line : lines_of(ran.out)) longest = std::max(longest, cli::display_width(line));
    EXPECT_LE(longest, columns);
    EXPECT_GT(longest, columns - 15u);
    EXPECT_THAT(ran.out, HasSubstr("\x1b[1mData:\x1b[0m"));
  }
}

TEST_F(Terminal, ShortensPathsFromTheLeftAndKeepsNames) {
  const std::string deep = folder / std::string(60, 'd');
  make_folders(deep);
  write_file(deep + "/track 1.csv", "x");
  const Ran ran = run_program_on_terminal(80, {"list", deep});
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("…"), HasSubstr("/track 1.csv"), Not(HasSubstr(folder.path().string()))));
  const Ran file = run_program({"list", deep});
  EXPECT_THAT(file.out, HasSubstr(deep + "/track 1.csv"));
}

}  // namespace
}  // namespace genrewise::testing
