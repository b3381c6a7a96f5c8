#include "genrewise/base/stopwatch.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace genrewise {
namespace {

TEST(PeakMemory, CountsMemoryThatWasFreedSinceAndNotThatOfBefore) {
  constexpr std::size_t kBytes = std::size_t{64} << 20U;
  const auto use = [] { EXPECT_EQ(std::vector<char>(kBytes, 'x').back(), 'x'); };
  const PeakMemory outer;
  const std::uint64_t before = outer.bytes();
  std::ifstream status("/proc/self/status");
  if (std::string(std::istreambuf_iterator(status), {}).find("VmHWM:") == std::string::npos)
    GTEST_SKIP() << "the system does not report the largest resident memory";
  EXPECT_GT(before, 0u);
  use();
  const std::uint64_t after = outer.bytes();
  EXPECT_GE(after, before + kBytes / 2);
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the address sanitizer keeps freed memory";
#endif
  const PeakMemory again;
  if (again.bytes() == after) GTEST_SKIP() << "the system does not allow a reset";
  EXPECT_LT(again.bytes(), after - kBytes / 2);
}

}  // namespace
}  // namespace genrewise
