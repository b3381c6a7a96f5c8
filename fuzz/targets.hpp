// The fuzz targets: one function for each parser of bytes that come from elsewhere.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise::fuzz {

/// A file of an input that stands for a folder.
struct InputFile {
  std::string name;  ///< relative, of letters, digits, "-", "_", "." and "/"
  std::string content;
};

/// Inputs of such targets are the files one after the other, each behind a line "@@@ NAME". Files with another name are
/// left out.
std::vector<InputFile> parse_files(std::string_view input);
std::string join_files(std::span<const InputFile> files);

struct Target {
  const char* name;
  /// May throw Error; anything else that it throws is a defect.
  void (*run)(std::string_view input);
  bool is_folder = false;  ///< the input is that of parse_files()
};

/// Adds the targets of a source to those of this program.
struct AddTargets {
  AddTargets(std::initializer_list<Target> targets);
};
/// The one that the environment variable GENREWISE_FUZZ_TARGET names; main() sets it.
const Target& current_target();

/// Ends the process if `good` is false: a finding.
inline void require(bool good) {
  if (!good) std::abort();
}
/// Whether `action` returns; false if it throws an Error.
template <class Action>
bool succeeds(const Action& action) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    require(error.what()[0] != '\0');
    return false;
  }
}

/// An empty folder in memory, where there is such, for the files of one input.
const std::filesystem::path& scratch_folder();
/// Writes a file into a folder and returns its path.
std::filesystem::path put_file(const std::filesystem::path& folder, const std::string& name, std::string_view content);
/// scratch_folder() with the files of this input.
const std::filesystem::path& put_files(std::string_view input);

}  // namespace genrewise::fuzz
