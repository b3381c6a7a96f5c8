// Small datasets on disk; opening one never decodes, so the "audio" files are empty.
#pragma once

#include <filesystem>
#include <string>

#include "genrewise/storage/local_file.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {

inline void touch(const std::filesystem::path& path) {
  make_folders(path.parent_path());
  write_file(path, "");
}

/// The Error's text that the call throws; fails the test when it throws none.
template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return {};
}

}  // namespace genrewise::testing
