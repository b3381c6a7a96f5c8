#include "support/test_support.hpp"

#include <hwy/targets.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "support/every_target.hpp"

namespace genrewise::testing {
namespace {

// Tests neither use nor fill the user's cache of features, unless they set a folder.
[[maybe_unused]] const int kWithoutCache = ::setenv("GENREWISE_CACHE", "off", 0);

}  // namespace

std::filesystem::path golden_path(const std::string& name) {
  return std::filesystem::path(GENREWISE_SOURCE_DIR) / "tests" / "golden" / name;
}

std::filesystem::path shared_folder() {
  if (const char* set = std::getenv("GENREWISE_SHARED")) return set;
  const auto beside = std::filesystem::path(GENREWISE_SOURCE_DIR).parent_path() / "shared";
  return std::filesystem::is_directory(beside) ? beside : std::filesystem::path();
}

std::filesystem::path bin_folder() {
  return GENREWISE_BIN_DIR;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "genrewise_test_XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> TemporaryFolder::names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

void on_every_target(const std::function<void()>& body) {
#if (HWY_TARGETS & (HWY_TARGETS - 1)) == 0
  body();  // compiled for one alone
#else
  for (std::int64_t left = (hwy::SupportedTargets() | HWY_STATIC_TARGET) & HWY_TARGETS; left != 0; left &= left - 1) {
    const std::int64_t target = left & -left;
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::GetChosenTarget().Update(target);
    body();
  }
  hwy::GetChosenTarget().DeInit();
#endif
}

}  // namespace genrewise::testing

// Failed allocations must throw as they do without a sanitizer; some tests depend on it.
#ifdef __SANITIZE_ADDRESS__
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
#endif
#ifdef __SANITIZE_THREAD__
extern "C" const char* __tsan_default_options() {
  return "allocator_may_return_null=1";
}
#endif
