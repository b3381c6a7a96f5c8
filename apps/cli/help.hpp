// Help pages, in one layout for the program and for each command, also as manual pages, and errors of the command-line
// parser as messages.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <map>
#include <string>

namespace genrewise::cli {

struct HelpLook {
  std::size_t width = 80;  ///< no line is longer, but for a word that is
  bool colour = false;     ///< headings are bold
};

/// The innermost command that was named on the command line; the program itself if none was.
const CLI::App& chosen_command(const CLI::App& app);

/// The page of the program or of a command: what it does, usage, options by heading, examples.
///
/// An app's description holds the summary on its first line and details on further lines: paragraphs, and entries
/// of a list as NAME, a tab and a text. Its footer holds examples, one command a line.
std::string help_page(const CLI::App& app, const HelpLook& look);

/// Adds the same page, and those of all sub-commands, as manual pages by file name: "genrewise-library-scan.1".
void add_manual_pages(std::map<std::string, std::string>& pages, const CLI::App& app);

/// What is wrong with the command line and what to do, for an error that parsing it with `app` threw:
/// "--folds needs a whole number from 2 to 100, not 'x'; see genrewise tune --help".
std::string usage_problem(const CLI::App& app, const CLI::ParseError& error);

}  // namespace genrewise::cli
