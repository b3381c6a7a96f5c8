// Files made with the program ffmpeg, which is needed for tests only.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace genrewise::testing {

inline bool has_ffmpeg_program() {
  static const bool found = std::system("ffmpeg -version >/dev/null 2>&1") == 0;
  return found;
}

/// Runs ffmpeg with the arguments and the file; false if it failed or wrote nothing.
inline bool make_with_ffmpeg(const std::string& arguments, const std::filesystem::path& file) {
  const std::string command = "ffmpeg -v quiet -nostdin -y " + arguments + " '" + file.string() + "' >/dev/null 2>&1";
  std::error_code ignored;
  return std::system(command.c_str()) == 0 && std::filesystem::file_size(file, ignored) > 0;
}

}  // namespace genrewise::testing

/// Skips the test where the program ffmpeg is missing.
#define REQUIRE_FFMPEG() \
  if (!::genrewise::testing::has_ffmpeg_program()) GTEST_SKIP() << "needs the program ffmpeg"
