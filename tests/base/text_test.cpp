#include "genrewise/base/text.hpp"

#include <gtest/gtest.h>

namespace genrewise {
namespace {

TEST(Text, TrimsWhitespaceAtBothEndsAndKeepsItInside) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \n "), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(Text, ConvertsOnlyAsciiLettersToLowerCase) {
  EXPECT_EQ(lower_case("Hip-Hop ÜX9"), "hip-hop Üx9");
}

}  // namespace
}  // namespace genrewise
