// Helpers for all tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise::testing {

/// The path of tests/golden/NAME.
std::filesystem::path golden_path(const std::string& name);

/// The folder of real data outside the repository: $GENREWISE_SHARED or ../shared beside the checkout; empty if there
/// is none. Tests use REQUIRE_SHARED.
std::filesystem::path shared_folder();

/// The folder of the built programs.
std::filesystem::path bin_folder();

/// A new empty folder, removed with its content by the destructor.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  /// Names of all entries, including hidden ones, sorted.
  std::vector<std::string> names() const;

 private:
  std::filesystem::path path_;
};

/// The message of the Error that `action` throws; "no error" if it throws none.
template <class Action>
std::string error_message(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace genrewise::testing

/// Declares `variable` as a path in the shared folder, or skips the test with the reason.
#define REQUIRE_SHARED(variable, relative)                                                   \
  const std::filesystem::path variable = ::genrewise::testing::shared_folder() / (relative); \
  if (::genrewise::testing::shared_folder().empty() || !std::filesystem::exists(variable))   \
  GTEST_SKIP() << "needs " << (relative) << " in the shared data folder (set GENREWISE_SHARED)"
