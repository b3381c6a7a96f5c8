#include "table.hpp"

#include <gtest/gtest.h>

namespace genrewise::cli {
namespace {

TEST(Table, AlignsColumnsByWhatATerminalShows) {
  Table table({{"genre"}, {"n", Table::Align::right}, {"note"}});
  table.add_row({"音楽", "7", "wide"});
  table.add_row({"cafe\xcc\x81", "123", ""});
  EXPECT_EQ(table.text(),
            "genre    n  note\n"
            "-----  ---  ----\n"
            "音楽     7  wide\n"
            "cafe\xcc\x81   123\n");
}

TEST(Table, WritesCsvThatReadsBack) {
  Table table({{"file"}, {"genre"}});
  table.add_row({"a,b \"c\".mp3", "two\nlines"});
  EXPECT_EQ(table.csv(), "file,genre\n\"a,b \"\"c\"\".mp3\",\"two\nlines\"\n");
}

TEST(Table, NeverLetsACellCommandTheTerminal) {
  Table table({{"genre"}});
  table.add_row({"\x1b[31mred\nblue\t\xff\xe2\x80\xae"});
  EXPECT_EQ(table.text().substr(table.text().find("\\x1b")), "\\x1b[31mred\\nblue\\t\\xff\\xe2\\x80\\xae\n");
}

TEST(Table, RefusesARowOfAnotherLength) {
  Table table({{"a"}, {"b"}});
  EXPECT_THROW(table.add_row({"1"}), std::logic_error);
}

TEST(DisplayWidth, CountsCellsNotBytes) {
  EXPECT_EQ(display_width(""), 0u);
  EXPECT_EQ(display_width("plain"), 5u);
  EXPECT_EQ(display_width("naïve"), 5u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("🎵"), 2u);
  EXPECT_EQ(display_width("\xc3"), 1u);              // cut in the middle
  EXPECT_EQ(display_width("\xf5\x80\x80\x80"), 4u);  // no Unicode
}

}  // namespace
}  // namespace genrewise::cli
