// Completion of command lines in shells. The scripts in completion/ ask `genrewise --complete WORD...`, so that all
// shells complete the options that the commands declare.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <vector>

namespace genrewise::cli {

inline constexpr char kCompleteVerb[] = "--complete";

struct Completions {
  struct Word {
    std::string text, description;  ///< the description may be empty
  };
  std::vector<Word> words;
  bool files = false;  ///< the names of files and folders too
};

/// What the last of the words behind "genrewise", which may be empty, can become: commands, options, and values of
/// options.
Completions completions_of(CLI::App& program, std::span<const std::string> words);

/// For the scripts: a line for each word, with its description behind a tab; ":files" where files are meant.
std::string completion_lines(const Completions& completions);

}  // namespace genrewise::cli
