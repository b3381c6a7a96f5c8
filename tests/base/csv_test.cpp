#include "genrewise/base/csv.hpp"

#include <gtest/gtest.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows read_all(std::string_view text) {
  CsvReader reader(text, "test.csv");
  Rows rows;
  std::vector<std::string_view> fields;
  while (reader.next(fields)) rows.emplace_back(fields.begin(), fields.end());
  return rows;
}

TEST(Csv, ReadsPlainRowsWithAnyLineEnd) {
  EXPECT_EQ(read_all("a,b\n1,2\n"), (Rows{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(read_all("a,b\r\n1,2"), (Rows{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(read_all("\xef\xbb\xbf"
                     "a,\n\n,b,"),
            (Rows{{"a", ""}, {"", "b", ""}}));
  EXPECT_TRUE(read_all("").empty());
}

TEST(Csv, ReadsQuotedCommasQuotesAndLineBreaks) {
  EXPECT_EQ(read_all("\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\nx,\"\",z\n"),
            (Rows{{"a,b", "say \"hi\"", "two\nlines"}, {"x", "", "z"}}));
  EXPECT_EQ(read_all("\"\"\"\"\n"), (Rows{{"\""}}));
}

TEST(Csv, RefusesWhatSpreadsheetsSaveBesidesCsv) {
  const auto problem = [](std::string_view text) { return testing::error_message([&] { read_all(text); }); };
  using namespace std::literals;
  for (const auto utf16 : {"\xff\xfe"
                           "a\0,\0"sv,
                           "\xfe\xff\0a\0,"sv, "a\0,\0b\0"sv, "\0a\0,"sv})
    EXPECT_NE(problem(utf16).find("UTF-16"), std::string::npos);
  EXPECT_NE(problem("PK\x03\x04\0\0"sv).find("spreadsheet"), std::string::npos);
  EXPECT_NE(problem("path,genre\na\0,b\n"sv).find("not a text file"), std::string::npos);
}

TEST(Csv, ReadsTheLineEndsOfOldMacintoshes) {
  EXPECT_EQ(read_all("a,b\r1,2\r\r3,4"), (Rows{{"a", "b"}, {"1", "2"}, {"3", "4"}}));
  CsvReader reader("\"a\rb\",\"c\r\nd\"\r\rx,y\r", "test.csv");
  std::vector<std::string_view> fields;
  ASSERT_TRUE(reader.next(fields));
  EXPECT_EQ(fields[1], "c\r\nd");
  ASSERT_TRUE(reader.next(fields));
  EXPECT_EQ(reader.line(), 5u);
}

TEST(Csv, TakesTheSeparatorFromTheFirstLine) {
  EXPECT_EQ(read_all("a;b\n1,5;2\n"), (Rows{{"a", "b"}, {"1,5", "2"}}));
  EXPECT_EQ(read_all("a\tb\tc\n1\t\"x\ty\"\t\n"), (Rows{{"a", "b", "c"}, {"1", "x\ty", ""}}));
  EXPECT_EQ(read_all("\"a;b;c\",d\n1;2,3\n"), (Rows{{"a;b;c", "d"}, {"1;2", "3"}}));
  EXPECT_EQ(read_all("a\n1;2\n"), (Rows{{"a"}, {"1;2"}}));
  EXPECT_EQ(read_all("\n\na;b\n"), (Rows{{"a", "b"}}));
}

TEST(Csv, CountsLinesAcrossQuotedLineBreaks) {
  CsvReader reader("\"a\nb\"\"c\nd\",1\nx,2\n", "test.csv");
  std::vector<std::string_view> fields;
  ASSERT_TRUE(reader.next(fields));
  EXPECT_EQ(reader.line(), 1u);
  EXPECT_EQ(fields[0], "a\nb\"c\nd");
  ASSERT_TRUE(reader.next(fields));
  EXPECT_EQ(reader.line(), 4u);
}

TEST(Csv, ReportsTheLineOfAnUnterminatedQuote) {
  try {
    read_all("a\nb,\"c\n");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.where(), "test.csv:2");
  }
}

TEST(Csv, ReadsBackTheFieldsThatItWrites) {
  const std::vector<std::string> fields{"\xef\xbb\xbfmark",
                                        "plain",
                                        "with,comma",
                                        "with \"quotes\"",
                                        "two\nlines",
                                        "a;b;c;d;e;f;g;h;i",
                                        "a|b|c|d|e|f|g|h|i",
                                        "a\tb\tc\td\te\tf\tg\th\ti",
                                        ""};
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i) line += ',';
    append_csv_field(line, fields[i]);
  }
  EXPECT_EQ(read_all(line), (Rows{fields}));
}

TEST(Csv, ParsesANumberOnlyIfAllOfTheTextIsOne) {
  double value = 0;
  EXPECT_TRUE(parse_number("-1.5e3", value));
  EXPECT_EQ(value, -1500);
  EXPECT_TRUE(parse_number("+2", value));
  EXPECT_TRUE(parse_number("nan", value));
  EXPECT_FALSE(parse_number("", value));
  EXPECT_FALSE(parse_number("1 ", value));
  EXPECT_FALSE(parse_number("1,5", value));
}

TEST(Csv, KeepsTextBehindAClosingQuote) {
  EXPECT_EQ(read_all("\"a\"b,c\n\"x\" ,\"\"y\n"), (Rows{{"ab", "c"}, {"x ", "y"}}));
}

TEST(Csv, ReadsATextThatEndsInAQuoteOrInEmptyLines) {
  EXPECT_EQ(read_all("a,\"b\""), (Rows{{"a", "b"}}));
  EXPECT_EQ(read_all("a\n\n\r\n\n"), Rows{{"a"}});
  EXPECT_EQ(read_all("\n\n"), Rows{});
  EXPECT_EQ(read_all("\n"), Rows{});
}

TEST(Csv, TakesTheFirstOfSeveralSeparatorsThatOccurEquallyOften) {
  EXPECT_EQ(read_all("a;b,c\n"), (Rows{{"a;b", "c"}}));
  EXPECT_EQ(read_all("a|b\n"), (Rows{{"a", "b"}}));
}

TEST(Csv, QuotesOnlyFieldsThatNeedIt) {
  const auto written = [](std::string_view field) {
    std::string line;
    append_csv_field(line, field);
    return line;
  };
  EXPECT_EQ(written("a b: c"), "a b: c");
  EXPECT_EQ(written("a b;c"), "\"a b;c\"");
  EXPECT_EQ(written("a,b"), "\"a,b\"");
  EXPECT_EQ(written("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(written("a\rb"), "\"a\rb\"");
  EXPECT_EQ(written("a\nb"), "\"a\nb\"");
}

TEST(Csv, ParsesWholeNumbersOnlyWithoutAFraction) {
  long long value = 0;
  EXPECT_TRUE(parse_number("+12", value));
  EXPECT_EQ(value, 12);
  EXPECT_TRUE(parse_number("-7", value));
  EXPECT_EQ(value, -7);
  for (const char* text : {"1.5", "1e3", "", "+", "9223372036854775808", " 1"}) EXPECT_FALSE(parse_number(text, value));
}

TEST(Csv, CountsALineEndOfTwoCharactersOnce) {
  EXPECT_EQ(testing::error_message([] { read_all("a\r\nb\r\n\"c\r\n"); }),
            "test.csv:3: a quoted field has no closing quote; add the missing \"");
  EXPECT_NE(testing::error_message([] { read_all(std::string_view("ab\0c", 4)); }).find("is not a text file"),
            std::string::npos);
  CsvReader reader("a\nb\n", "test.csv");
  EXPECT_EQ(reader.line(), 0u);
}

TEST(Csv, IsNotReadOnAfterAnInterrupt) {
  CsvReader reader("a\nb\n", "test.csv");
  std::vector<std::string_view> fields;
  EXPECT_TRUE(reader.next(fields));
  request_interrupt();
  EXPECT_THROW(reader.next(fields), Interrupted);
  clear_interrupt();
}

}  // namespace
}  // namespace genrewise
