// Help pages: one layout, within the terminal's width, with every option and with examples.
#include "help.hpp"

#include <gmock/gmock.h>

#include <regex>
#include <sstream>

#include "cli/program.hpp"
#include "genrewise/base/text.hpp"
#include "option_group.hpp"
#include "session.hpp"
#include "support/environment.hpp"

namespace genrewise::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

struct Program {
  Program() { add_all(app, session); }
  CLI::App app;
  Session session;
};

void add_names(const CLI::App& app, const std::string& before, std::vector<std::string>& names) {
  for (const CLI::App* command : app.get_subcommands({})) {
    names.push_back(before + command->get_name());
    add_names(*command, names.back() + " ", names);
  }
}

/// Those of nested commands with a blank: "library scan".
std::vector<std::string> command_names() {
  const Program program;
  std::vector<std::string> names;
  add_names(program.app, "", names);
  return names;
}

const CLI::App& command_named(const CLI::App& app, const std::string& name) {
  const CLI::App* command = &app;
  for (const std::string& word : split_text(name, ' ')) command = command->get_subcommand(word);
  return *command;
}

/// For the name of a test.
std::string word_of(std::string name) {
  std::ranges::replace(name, ' ', '_');
  return name.empty() ? "genrewise" : name;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

void expect_every_option(const CLI::App& app, const std::string& page) {
  for (const CLI::Option* option : app.get_options({})) {
    EXPECT_FALSE(option->get_group().empty()) << option->get_name();
    EXPECT_FALSE(option->get_description().empty()) << option->get_name();
    EXPECT_THAT(page, HasSubstr("\n  " + spelled(*option))) << app.get_name();
  }
}

void expect_plain(const std::string& page) {
  for (const char* of_the_parser : {"[Option Group", " in [", "REQUIRED", "TEXT", "UINT", "Excludes:", "Needs:"}) {
    EXPECT_THAT(page, Not(HasSubstr(of_the_parser)));
  }
}

class CommandHelp : public ::testing::TestWithParam<std::tuple<std::string, std::size_t>> {};

TEST_P(CommandHelp, FitsTheWidthAndShowsEveryOptionAndExamples) {
  const auto& [name, width] = GetParam();
  const Program program;
  const CLI::App& command = command_named(program.app, name);
  const std::string page = help_page(command, {.width = width});
  for (const std::string& line : lines_of(page)) EXPECT_LE(display_width(line), width) << line;
  expect_every_option(command, page);
  expect_plain(page);
  EXPECT_THAT(page, AllOf(HasSubstr("\nUsage: genrewise " + name), HasSubstr("\nExamples:\n  genrewise " + name)));
}

INSTANTIATE_TEST_SUITE_P(All, CommandHelp,
                         ::testing::Combine(::testing::ValuesIn(command_names()), ::testing::Values(60, 80, 100)),
                         [](const auto& test) {
                           return word_of(std::get<0>(test.param)) + "At" + std::to_string(std::get<1>(test.param));
                         });

class ProgramHelp : public ::testing::TestWithParam<std::string> {};

TEST_P(ProgramHelp, FollowsColumnsWhereItsOutputIsNoTerminal) {
  for (const std::size_t width : {60, 80}) {
    const testing::Environment columns("COLUMNS", std::to_string(width));
    testing::Arguments arguments{"--help"};
    const auto words = GetParam().empty() ? std::vector<std::string>() : split_text(GetParam(), ' ');
    arguments.insert(arguments.begin(), words.begin(), words.end());
    const testing::Ran ran = testing::run_program(arguments);
    EXPECT_EQ(ran.code, 0);
    EXPECT_THAT(ran.err, ::testing::IsEmpty());
    std::size_t longest = 0;
    for (const std::string& line : lines_of(ran.out)) longest = std::max(longest, display_width(line));
    EXPECT_LE(longest, width);
    EXPECT_GT(longest, width - 15);
    EXPECT_THAT(ran.out, AllOf(HasSubstr("\nExamples:\n"), Not(HasSubstr("\x1b"))));
  }
}

std::vector<std::string> pages() {
  std::vector<std::string> names = command_names();
  names.emplace_back();
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, ProgramHelp, ::testing::ValuesIn(pages()),
                         [](const auto& test) { return word_of(test.param); });

TEST(HelpPage, ListsStudyFirstAndEveryCommandWithASummaryOfOneForm) {
  const Program program;
  const std::string page = help_page(program.app, {});
  expect_every_option(program.app, page);
  expect_plain(page);
  EXPECT_THAT(page, HasSubstr("Commands:\n  study "));
  for (const std::string& name : command_names()) {
    const CLI::App& command = command_named(program.app, name);
    EXPECT_THAT(help_page(*command.get_parent(), {}), HasSubstr("\n  " + command.get_name() + " "));
    const std::string description = command.get_description();
    const std::string summary = description.substr(0, description.find('\n'));
    EXPECT_TRUE(std::regex_match(summary, std::regex("[A-Z][a-z]+ [^.]*[^. ]"))) << summary;
  }
}

TEST(HelpPage, StatesAllowedValuesAndDefaults) {
  CLI::App app("Do it", "program");
  int folds = 5;
  bool force = false;
  std::string scheme = "auto", file;
  const OptionGroup search(&app, kSearch), output(&app, kOutput);
  in_range(search.add("--folds", folds, "K", "Folds"), 2, 100)->capture_default_str();
  one_of(search.add("--scheme", scheme, "SCHEME", "Scheme"), {"auto", "random"})->capture_default_str();
  output.add("-o,--output", file, "FILE", "File to write")->required();
  output.flag("--force", force, "Replace it");
  const std::string page = help_page(app, {.width = 100});
  EXPECT_THAT(page, HasSubstr("Usage: program -o FILE [OPTION]...\n"));
  EXPECT_THAT(page, HasSubstr("  --folds K                 Folds (2 to 100; default 5)\n"));
  EXPECT_THAT(page, HasSubstr("  --scheme SCHEME           Scheme (auto or random; default auto)\n"));
  EXPECT_THAT(
      page,
      HasSubstr("\nOutput:\n  -o, --output FILE         File to write\n  --force                   Replace it\n"));
}

TEST(HelpPage, HasBoldHeadingsWithColourOnly) {
  const Program program;
  EXPECT_THAT(help_page(program.app, {.colour = true}), HasSubstr("\x1b[1mCommands:\x1b[0m\n"));
  EXPECT_THAT(help_page(program.app, {}), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace genrewise::cli
