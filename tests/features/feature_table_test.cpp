#include "genrewise/features/feature_table.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "genrewise/base/random.hpp"
#include "genrewise/features/fma_columns.hpp"
#include "genrewise/features/npy.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;

FeatureTable small_table() {
  return {{"toy", 3, "abc"},
          {{"mfcc", "mean", "01"}, {"mfcc", "mean", "02"}, {"zcr", "std", "01"}},
          {"2", "a \"quoted\", id", "two\nlines"},
          Matrix(3, 3, {1.5f, -0.1f, 3e-42f, 0, std::numeric_limits<float>::max(), 1e-7f, -0.0f, 7, 8})};
}

void write_feature_table(const FeatureTable& table, const std::filesystem::path& path) {
  FeatureTableWriter writer(path, table.recipe, table.columns, table.values.rows());
  for (std::size_t i = 0; i < table.values.rows(); ++i) writer.add(table.track_ids[i], table.values.row(i));
  writer.commit(nlohmann::json::object());
}

/// Removes the checksums from the description of a table, so that a test can change the table.
void remove_checksums(const std::filesystem::path& table) {
  const std::filesystem::path sidecar = table.string() + ".json";
  nlohmann::json object = nlohmann::json::parse(read_file(sidecar));
  for (const char* name : {"sha256", "table_sha256"}) object.erase(name);
  write_file(sidecar, object.dump());
}

void expect_equal(const FeatureTable& a, const FeatureTable& b) {
  EXPECT_EQ(a.recipe, b.recipe);
  EXPECT_EQ(a.columns, b.columns);
  EXPECT_EQ(a.track_ids, b.track_ids);
  EXPECT_EQ(a.values, b.values);
}

std::string message_of(const std::filesystem::path& path) {
  return error_message([&] { read_feature_table(path); });
}

TEST(FeatureTable, ReadsBackWhatWasWritten) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"table.csv", "table.npy"}) {
    write_feature_table(small_table(), folder / name);
    expect_equal(read_feature_table(folder / name), small_table());
  }
  EXPECT_THAT(folder.names(), ::testing::ElementsAre("table.csv", "table.csv.json", "table.npy", "table.npy.json"));
}

TEST(FeatureTable, EveryFloatSurvivesTheCsv) {
  const testing::TemporaryFolder folder;
  Rng rng(3);
  FeatureTable table{{"toy", 1, "x"}, {}, {}, Matrix(50, 40)};
  for (std::size_t j = 0; j < 40; ++j) table.columns.push_back({"f", "mean", std::to_string(j)});
  for (std::size_t i = 0; i < 50; ++i) table.track_ids.push_back(std::to_string(i));
  for (float& value : table.values.values()) {
    do {
      value = std::bit_cast<float>(static_cast<std::uint32_t>(rng.next()));
    } while (!std::isfinite(value));
  }
  write_feature_table(table, folder / "t.csv");
  expect_equal(read_feature_table(folder / "t.csv"), table);
}

TEST(FeatureTable, WritesTheLayoutOfFeaturesCsv) {
  const testing::TemporaryFolder folder;
  write_feature_table(small_table(), folder / "t.csv");
  EXPECT_THAT(read_file(folder / "t.csv"), ::testing::StartsWith("feature,mfcc,mfcc,zcr\n"
                                                                 "statistics,mean,mean,std\n"
                                                                 "number,01,02,01\n"
                                                                 "track_id,,,\n"
                                                                 "2,1.5,-0.1,3e-42\n"));
}

TEST(FeatureTable, AnEmptyTableReadsBackToo) {
  const testing::TemporaryFolder folder;
  FeatureTable table{{"toy", 1, "x"}, {{"a", "b", "c"}}, {}, Matrix(0, 1)};
  for (const char* name : {"t.csv", "t.npy"}) {
    write_feature_table(table, folder / name);
    expect_equal(read_feature_table(folder / name), table);
  }
}

std::string fma_file(const std::string& row) {
  std::string text;
  for (const char* title : {"feature", "statistics", "number"}) {
    text += title;
    for (const FeatureColumn& c : fma_columns()) {
      text += ',' + (*title == 'f' ? c.feature : *title == 's' ? c.statistic : c.number);
    }
    text += "\r\n";
  }
  return text + "track_id" + std::string(518, ',') + "\r\n" + row + "\r\n\r\n";
}

TEST(FeatureTable, RecognisesFmasPublishedFileByItsColumns) {
  const testing::TemporaryFolder folder;
  std::string row = "2";
  for (int i = 0; i < 518; ++i) row += ",7.1806526184e+00";
  write_file(folder / "features.csv", fma_file(row));
  const FeatureTable table = read_feature_table(folder / "features.csv");
  EXPECT_EQ(table.recipe, published_fma_recipe());
  EXPECT_NE(table.recipe, make_feature_set("fma518")->recipe());
  EXPECT_EQ(table.track_ids, std::vector<std::string>{"2"});
  EXPECT_EQ(table.values(0, 517), 7.1806526184f);
}

TEST(FeatureTable, ATableWithoutARecipeIsRefused) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"t.csv", "t.npy"}) {
    write_feature_table(small_table(), folder / name);
    std::filesystem::remove(folder / (std::string(name) + ".json"));
    EXPECT_THAT(message_of(folder / name), HasSubstr("keep " + std::string(name) + ".json beside it"));
  }
}

TEST(FeatureTable, BadCellsAreNamedByLineAndColumn) {
  const testing::TemporaryFolder folder;
  write_feature_table(small_table(), folder / "t.csv");
  const std::string head = "feature,a,a\nstatistics,b,b\nnumber,01,02\ntrack_id,,\n5,1,2\n";
  const std::pair<const char*, const char*> cases[] = {
      {"6,1,x\n", "t.csv:6: \"x\" in column 3 (a b 02) is not a finite number"},
      {"6,,2\n", "t.csv:6: \"\" in column 2 (a b 01) is not a finite number"},
      {"6,nan,2\n", "\"nan\" in column 2"},
      {"6,1,inf\n", "\"inf\" in column 3"},
      {"6,1,1e999\n", "\"1e999\" in column 3"},
      {"6,1,2 \n", "\"2 \" in column 3"},
      {"6,1\n", "t.csv:6: this row has 1 numbers, but there are 2 columns"},
      {"6\n", "is not a finite number"},
      {"6,1,2,3\n", "t.csv:6: this row has more numbers"},
      {"\n\"6\n7\",1,2\n8,1,x\n", "t.csv:9: \"x\""},
      {"\"6,1,2\n", "t.csv:6: a quoted id is never closed"},
  };
  for (const auto& [rows, message] : cases) {
    write_file(folder / "t.csv", head + rows);
    EXPECT_THAT(message_of(folder / "t.csv"), HasSubstr(message)) << rows;
  }
}

TEST(FeatureTable, ANumberBeyondFloat32IsNamed) {
  const testing::TemporaryFolder folder;
  write_file(folder / "t.csv", "feature,a,a\nstatistics,b,b\nnumber,01,02\ntrack_id,,\n5,1,2\n6,1e300,2\n");
  EXPECT_THAT(message_of(folder / "t.csv"),
              HasSubstr("t.csv:6: \"1e300\" in column 2 (a b 01) exceeds the float32 range of 3.4e38"));
}

TEST(FeatureTable, ATruncatedTableIsRefused) {
  const testing::TemporaryFolder folder;
  write_feature_table(small_table(), folder / "t.csv");
  const std::string whole = read_file(folder / "t.csv");
  write_file(folder / "t.csv", whole.substr(0, whole.find("\n\"a") + 1));
  EXPECT_THAT(message_of(folder / "t.csv"), HasSubstr("t.csv: has 1 rows, but t.csv.json states 3"));
  write_file(folder / "t.csv", whole + "9,1,2,3\n");
  EXPECT_THAT(message_of(folder / "t.csv"), HasSubstr("has 4 rows"));
}

TEST(FeatureTable, AnAlteredNumberIsRefusedUnlessTheChecksumsAreRemoved) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"t.csv", "t.npy"}) {
    write_feature_table(small_table(), folder / name);
    std::string bytes = read_file(folder / name);
    if (name == std::string("t.csv")) {
      bytes.replace(bytes.find("1.5,"), 3, "2.5");
    } else {
      const float other = 2.5f;
      std::memcpy(bytes.data() + bytes.size() - 9 * sizeof(float), &other, sizeof other);
    }
    write_file(folder / name, bytes);
    EXPECT_THAT(message_of(folder / name), HasSubstr("was changed since it was extracted"));
    const std::filesystem::path sidecar = folder / (std::string(name) + ".json");
    nlohmann::json object = nlohmann::json::parse(read_file(sidecar));
    object.erase("table_sha256");
    write_file(sidecar, object.dump());
    EXPECT_THAT(message_of(folder / name), HasSubstr(std::string(name) + ".json: was changed or damaged"));
    object.erase("sha256");
    write_file(sidecar, object.dump());
    EXPECT_EQ(read_feature_table(folder / name).values(0, 0), 2.5f);
  }
}

TEST(FeatureTable, TheSeparatorOfAResavedTableIsNamed) {
  const testing::TemporaryFolder folder;
  write_file(folder / "t.csv", "feature;a\nstatistics;b\nnumber;01\ntrack_id;\n5;1\n");
  EXPECT_THAT(message_of(folder / "t.csv"), HasSubstr("separated by ';'"));
}

TEST(FeatureTable, AColumnFarFromZeroHasAnOffsetInTablesOfOtherPrograms) {
  const testing::TemporaryFolder folder;
  std::string rows;
  for (int row = 0; row < 3; ++row) {
    rows += std::to_string(row);
    for (int j = 0; j < 518; ++j) rows += j == 7 ? ',' + std::to_string(100000000 + row) + ".25" : ",1";
    rows += '\n';
  }
  std::string text = fma_file(rows);
  std::erase(text, '\n');
  std::ranges::replace(rows, '\n', '\r');  // line ends of old Macintoshes
  text.replace(text.find(std::string(518, ',')) + 518, std::string::npos, '\r' + rows);
  write_file(folder / "features.csv", text);
  const FeatureTable table = read_feature_table(folder / "features.csv");
  ASSERT_EQ(table.offsets.size(), 518u);
  EXPECT_EQ(table.offsets[6], 0);
  for (std::size_t row = 0; row < 3; ++row) {
    EXPECT_EQ(table.values(row, 7) + table.offsets[7], 1e8 + static_cast<double>(row) + 0.25);
    EXPECT_EQ(table.values(row, 6), 1);
  }
}

TEST(FeatureTable, AnotherCsvIsRefusedWithTheExpectedLayout) {
  const testing::TemporaryFolder folder;
  for (const char* text :
       {"", "a,b\n1,2\n", "feature,a\nstatistics,b,c\n", "feature\nstatistics\nnumber\ntrack_id\n"}) {
    write_file(folder / "t.csv", text);
    EXPECT_THAT(message_of(folder / "t.csv"), HasSubstr("FMA's features.csv")) << text;
  }
}

TEST(FeatureTable, DamagedSidecarsAndEndingsAreClearErrors) {
  const testing::TemporaryFolder folder;
  write_feature_table(small_table(), folder / "t.npy");
  for (const char* text : {"", "{", "[]", "{\"format\": \"genrewise feature table\"}", "{\"format\": 1}"}) {
    write_file(folder / "t.npy.json", text);
    EXPECT_THAT(message_of(folder / "t.npy"), HasSubstr("t.npy.json")) << text;
  }
  EXPECT_THAT(message_of(folder / "t.txt"), HasSubstr("ends in .csv or .npy"));
  EXPECT_THAT(message_of(folder / "none.csv"), HasSubstr("none.csv"));
}

TEST(NpyHeader, IsThatOfNumpyWithTheFewestSpacesToAMultipleOf64Bytes) {
  for (std::size_t rows = 1; rows < 10'000'000'000; rows = rows * 10 + 1)
    for (std::size_t cols = 1; cols < 10'000'000'000; cols = cols * 10 + 1) {
      const std::string header = npy_header(rows, cols);
      EXPECT_EQ(header.size() % 64, 0u);
      EXPECT_TRUE(header.starts_with(std::string_view("\x93NUMPY\x01\x00", 8)));
      EXPECT_EQ(static_cast<unsigned char>(header[8]) + 256u * static_cast<unsigned char>(header[9]),
                header.size() - 10);
      const std::string text =
          fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, cols);
      EXPECT_EQ(header.substr(10, text.size()), text);
      const std::size_t spaces = header.size() - 10 - text.size() - 1;
      EXPECT_LT(spaces, 64u);
      EXPECT_EQ(header.substr(10 + text.size()), std::string(spaces, ' ') + "\n");
    }
}

TEST(FeatureTable, ANpyThatDoesNotFitItsSidecarIsRefused) {
  const testing::TemporaryFolder folder;
  write_feature_table(small_table(), folder / "t.npy");
  remove_checksums(folder / "t.npy");
  const std::string whole = read_file(folder / "t.npy");
  write_file(folder / "t.npy", npy_header(2, 3) + std::string(24, '\0'));
  EXPECT_THAT(message_of(folder / "t.npy"), HasSubstr("is 2 x 3, but its .json names 3 tracks"));
  write_file(folder / "t.npy", npy_header(3, 3) + std::string(32, '\0') + std::string("\x00\x00\xc0\x7f", 4));
  EXPECT_THAT(message_of(folder / "t.npy"), HasSubstr("not a finite number"));
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    write_file(folder / "t.npy", whole.substr(0, length));
    EXPECT_THROW(read_feature_table(folder / "t.npy"), Error) << length;
  }
}

TEST(FeatureTable, AnNpyOfDoublesKeepsTheirPrecisionByAnOffset) {
  const testing::TemporaryFolder folder;
  write_feature_table(small_table(), folder / "t.npy");
  remove_checksums(folder / "t.npy");
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 3), }";
  header.append(117 - header.size(), ' ');
  std::string bytes = std::string("\x93NUMPY\x01\x00v\x00", 10) + header + '\n';
  for (int i = 0; i < 9; ++i) {
    const double value = i % 3 == 1 ? 1e8 + i / 3 * 0.25 : i;
    bytes.append(reinterpret_cast<const char*>(&value), 8);
  }
  write_file(folder / "t.npy", bytes);
  const FeatureTable table = read_feature_table(folder / "t.npy");
  EXPECT_EQ(table.offsets, (std::vector<double>{0, 1e8 + 0.25, 0}));
  EXPECT_EQ(table.values, Matrix(3, 3, {0, -0.25f, 2, 3, 0, 5, 6, 0.25f, 8}));
}

TEST(Npy, ReadsWhatNumpyWrites) {
  // numpy.save of numpy.arange(6).reshape(2, 3) * 0.5, as float64 by NumPy 2.
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }";
  header.append(117 - header.size(), ' ');
  std::string bytes = std::string("\x93NUMPY\x01\x00v\x00", 10) + header + '\n';
  for (int i = 0; i < 6; ++i) {
    const double value = i * 0.5;
    bytes.append(reinterpret_cast<const char*>(&value), 8);
  }
  const NpyLayout array = parse_npy(bytes, bytes.size(), "x");
  EXPECT_EQ(array.rows, 2u);
  EXPECT_EQ(array.cols, 3u);
  EXPECT_EQ(array.value_bytes, 8u);
  EXPECT_EQ(array.offset, bytes.size() - 6 * 8);
  for (const auto& [from, to] : {std::pair{"<f8", ">f8"}, {"False", "True "}, {"(2, 3)", "(6,)  "}}) {
    std::string other = bytes;
    other.replace(other.find(from), std::strlen(from), to);
    EXPECT_THROW(parse_npy(other, other.size(), "x"), Error) << to;
  }
}

TEST(FeatureTableWriter, LeavesNothingWithoutCommit) {
  const testing::TemporaryFolder folder;
  {
    FeatureTableWriter writer(folder / "t.csv", {"toy", 1, "x"}, {{"a", "b", "c"}}, 2);
    writer.add("1", std::vector<float>{1});
    EXPECT_THROW(writer.add("2", std::vector<float>{1, 2}), Error);
    EXPECT_THROW(writer.commit(nlohmann::json::object()), Error);  // one row is missing
  }
  EXPECT_TRUE(folder.names().empty());
}

TEST(StorageOffset, IsTheMeanOnlyOfAColumnFarFromZero) {
  const auto around = [](double mean) { return std::vector<double>{mean - 1, mean + 1, mean - 1, mean + 1}; };
  EXPECT_EQ(storage_offset(around(999)), 0);
  EXPECT_EQ(storage_offset(around(1001)), 1001);
  EXPECT_EQ(storage_offset(around(-1001)), -1001);
  EXPECT_EQ(storage_offset(std::vector<double>(5, 0.0)), 0);
  EXPECT_TRUE(fits_float32(3.4e38) && fits_float32(-3.4e38) && fits_float32(0));
  EXPECT_FALSE(fits_float32(3.5e38) || fits_float32(-3.5e38) || fits_float32(std::nan("")));
}

TEST(Npy, RefusesDataThatDoesNotFitItsHeader) {
  const auto refusal = [](const std::string& bytes) {
    return error_message([&] { parse_npy(bytes, bytes.size(), "x.npy"); });
  };
  EXPECT_EQ(refusal(npy_header(2, 3) + std::string(24, '\0')), "no error");
  EXPECT_EQ(refusal(npy_header(0, 3)), "no error");
  EXPECT_EQ(refusal(npy_header(3, 0)), "no error");
  EXPECT_THAT(refusal(npy_header(3, 0) + "four"), HasSubstr("contains 4 bytes of values"));
  EXPECT_THAT(refusal(npy_header(2, 3) + std::string(23, '\0')), HasSubstr("announces 2 x 3 values of 4 bytes"));
  EXPECT_THAT(refusal(npy_header(2, 3) + std::string(28, '\0')), HasSubstr("contains 28 bytes"));
  const std::string header = npy_header(2, 3);
  for (const std::size_t length : {0, 7, 8, 9, 10, 60})
    EXPECT_THAT(refusal(header.substr(0, length)), HasSubstr("not a .npy"));
}

}  // namespace
}  // namespace genrewise
