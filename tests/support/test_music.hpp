// Real music for tests that compare with other programs' figures.
#pragma once

#include <cstdlib>
#include <filesystem>

#include "support/test_support.hpp"

namespace genrewise::testing {

/// The folder of gr0.ogg to gr3.ogg: $GENREWISE_TEST_MUSIC or build/test_music of the checkout, which
/// tools/fetch_test_music.sh writes; empty if it is not there. Tests use REQUIRE_TEST_MUSIC.
inline std::filesystem::path test_music_folder() {
  const char* set = std::getenv("GENREWISE_TEST_MUSIC");
  const std::filesystem::path folder = set ? std::filesystem::path(set) : golden_path("") / "../../build/test_music";
  return std::filesystem::exists(folder / "gr3.ogg") ? std::filesystem::canonical(folder) : std::filesystem::path();
}

}  // namespace genrewise::testing

/// Declares `variable` as the folder of the test music, or skips the test with the reason.
#define REQUIRE_TEST_MUSIC(variable)                                                \
  const std::filesystem::path variable = ::genrewise::testing::test_music_folder(); \
  if (variable.empty()) GTEST_SKIP() << "needs the test music (tools/fetch_test_music.sh)"
