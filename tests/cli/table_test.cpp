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

TEST(Table, ShortensPathsFromTheLeftToFit) {
  Table table({{"file", Table::Align::left, Table::Overflow::path}, {"genre"}});
  table.add_row({"/home/anna/music/song.mp3", "Jazz"});
  table.add_row({"/home/anna/music/x.mp3", "Rock"});
  EXPECT_EQ(table.text({.width = 24}),
            "file               genre\n"
            "-----------------  -----\n"
            "…/music/song.mp3   Jazz\n"
            "…/music/x.mp3      Rock\n");
  EXPECT_NE(table.text().find("/home/anna/music/song.mp3"), std::string::npos);
}

TEST(Table, WrapsSentencesToFit) {
  Table table({{"kind"}, {"title", Table::Align::left, Table::Overflow::wrap}});
  table.add_row({"gnb", "Gaussian naive Bayes of numbers"});
  EXPECT_EQ(table.text({.width = 26}),
            "kind  title\n"
            "----  --------------------\n"
            "gnb   Gaussian naive Bayes\n"
            "      of numbers\n");
}

TEST(Table, ContinuesBelowWithTheFirstColumnWhereItCannotFit) {
  Table table({{"model"}, {"accuracy"}, {"log loss"}});
  table.add_row({"gnb", "50.0", "1.5"});
  EXPECT_EQ(table.text({.width = 16}),
            "model  accuracy\n"
            "-----  --------\n"
            "gnb    50.0\n"
            "\n"
            "model  log loss\n"
            "-----  --------\n"
            "gnb    1.5\n");
}

TEST(Table, MarksStrongRowsWithColourOnly) {
  Table table({{"model"}, {"accuracy"}});
  table.add_row({"gnb", "50.0"}, true);
  table.add_row({"majority", "10.0"});
  EXPECT_EQ(table.text(), "model     accuracy\n--------  --------\ngnb       50.0\nmajority  10.0\n");
  EXPECT_EQ(table.text({.colour = true}),
            "model     accuracy\n--------  --------\n\x1b[1mgnb       50.0\x1b[0m\nmajority  10.0\n");
}

}  // namespace
}  // namespace genrewise::cli
