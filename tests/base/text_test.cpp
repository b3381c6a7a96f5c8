#include "genrewise/base/text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

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

TEST(Text, IsSplitAtEverySeparatorWithEmptyPartsKept) {
  using Parts = std::vector<std::string>;
  EXPECT_EQ(split_text("a;bc;d", ';'), (Parts{"a", "bc", "d"}));
  EXPECT_EQ(split_text(";a;;", ';'), (Parts{"", "a", "", ""}));
  EXPECT_EQ(split_text("whole", ';'), Parts{"whole"});
  EXPECT_EQ(split_text("", ';'), Parts{""});
}

TEST(Text, OfAnEnvironmentVariableThatIsNotSetIsEmpty) {
  ::setenv("TEXT_TEST_VARIABLE", "its value", 1);
  EXPECT_EQ(environment_variable("TEXT_TEST_VARIABLE"), "its value");
  ::unsetenv("TEXT_TEST_VARIABLE");
  EXPECT_EQ(environment_variable("TEXT_TEST_VARIABLE"), "");
}

TEST(Text, ConvertsFromTheFirstToTheLastLetter) {
  EXPECT_EQ(lower_case("AZ@[`{az09"), "az@[`{az09");
}

}  // namespace
}  // namespace genrewise
