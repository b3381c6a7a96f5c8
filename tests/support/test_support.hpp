// What every test may use.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise::testing {

/// tests/golden/<name>.
std::filesystem::path golden_path(const std::string& name);

/// ../shared beside the checkout (or $GENREWISE_SHARED): real data that the repository does not hold; empty when it is
/// not there. Tests use REQUIRE_SHARED.
std::filesystem::path shared_folder();

/// The folder of the built programs.
std::filesystem::path bin_folder();

/// A new empty folder, removed with all that is in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  /// Names of all that lies in it, hidden ones too, sorted.
  std::vector<std::string> names() const;

 private:
  std::filesystem::path path_;
};

/// The message of the Error that `action` throws; "no error" where it throws none.
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

/// `const auto path = ...` of something in the shared folder, or the test is skipped with the reason.
#define REQUIRE_SHARED(variable, relative)                                                   \
  const std::filesystem::path variable = ::genrewise::testing::shared_folder() / (relative); \
  if (::genrewise::testing::shared_folder().empty() || !std::filesystem::exists(variable))   \
  GTEST_SKIP() << "needs " << (relative) << " in the shared data folder (set GENREWISE_SHARED), which is not here"
