// Errors of the command-line parser as messages of this program.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace genrewise::cli {

/// What is wrong with the command line and what to do, for an error that parsing it with `app` threw:
/// "--folds needs a whole number from 2 to 100, not 'x'; see genrewise tune --help".
std::string usage_problem(const CLI::App& app, const CLI::ParseError& error);

}  // namespace genrewise::cli
