#include "terminal.hpp"

#include <gtest/gtest.h>

namespace genrewise::cli {
namespace {

TEST(DisplayWidth, CountsCellsNotBytes) {
  EXPECT_EQ(display_width(""), 0u);
  EXPECT_EQ(display_width("plain"), 5u);
  EXPECT_EQ(display_width("naïve"), 5u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("🎵"), 2u);
  EXPECT_EQ(display_width("\xc3"), 1u);              // cut in the middle
  EXPECT_EQ(display_width("\xf5\x80\x80\x80"), 4u);  // no Unicode
}

TEST(Wrapped, BreaksAtBlanksAndIndentsEveryLine) {
  EXPECT_EQ(wrapped("one two three", 0, 7), "one two\nthree");
  EXPECT_EQ(wrapped("one two three", 2, 9), "  one two\n  three");
  EXPECT_EQ(wrapped("音楽 音楽", 0, 8), "音楽\n音楽");
  EXPECT_EQ(wrapped("unbreakable", 2, 5), "  unbreakable");
  EXPECT_EQ(wrapped("", 2, 5), "  ");
}

TEST(WrappedCommand, StaysACommandAndKeepsQuotedWordsAndValuesWhole) {
  EXPECT_EQ(wrapped_command("list 'a b' --json", 2, 40), "  list 'a b' --json");
  EXPECT_EQ(wrapped_command("list 'a b c' --json", 0, 15), "list 'a b c' \\\n    --json");
  EXPECT_EQ(wrapped_command("tune t.csv -o run", 0, 14), "tune t.csv \\\n    -o run");
}

TEST(ShortenedPath, KeepsTheEnd) {
  EXPECT_EQ(shortened_path("/a/b/c.mp3", 20), "/a/b/c.mp3");
  EXPECT_EQ(shortened_path("/music/jazz/c.mp3", 12), "…/jazz/c.mp3");
  EXPECT_EQ(shortened_path("/music/jazz/c.mp3", 11), "…/c.mp3");
  EXPECT_EQ(shortened_path("/music/long name.mp3", 8), "…ame.mp3");
  EXPECT_EQ(shortened_path("/音楽/音楽.mp3", 10), "…/音楽.mp3");
}

}  // namespace
}  // namespace genrewise::cli
