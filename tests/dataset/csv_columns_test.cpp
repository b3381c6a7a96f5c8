// The meanings of the columns of a CSV by the names in its header row.
#include "genrewise/dataset/csv_columns.hpp"

#include <gtest/gtest.h>

#include "dataset_fixture.hpp"

namespace genrewise {
namespace {

using Header = std::vector<std::string_view>;

TEST(CsvColumns, AreFoundByTheirNameOrASynonymHoweverItIsWritten) {
  const CsvColumns columns(Header{" Track-ID", "GENRE top", "zcr"});
  EXPECT_EQ(columns.find("track_id"), 0u);
  EXPECT_EQ(columns.find("genre"), 1u);
  EXPECT_EQ(columns.find("zcr"), 2u);
  EXPECT_FALSE(columns.find("path"));
}

TEST(CsvColumns, AreTheOneWhoseNameIsListedFirstIfSeveralHaveOneMeaning) {
  EXPECT_EQ(CsvColumns(Header{"target", "genre", "label"}).find("genre"), 1u);
  EXPECT_EQ(CsvColumns(Header{"target", "class", "label"}).find("genre"), 2u);
  EXPECT_EQ(CsvColumns(Header{"label", "label"}).find("genre"), 0u);
}

TEST(CsvColumns, AreFeaturesUnlessTheyHaveAMeaningOrNoName) {
  const CsvColumns columns(Header{"", "Unnamed: 0", "id", "start_s", "duration_s", "zcr"});
  for (const std::size_t i : {0, 1, 2}) EXPECT_TRUE(columns.is_described(i)) << i;
  for (const std::size_t i : {3, 4, 5}) EXPECT_FALSE(columns.is_described(i)) << i;
}

TEST(CsvColumns, ListClipsWithAPathOrWithAFilenameAndNoFeature) {
  const auto lists_clips = [](const Header& header) { return CsvColumns(header).lists_clips(); };
  EXPECT_TRUE(lists_clips({"path", "genre", "zcr"}));
  EXPECT_FALSE(lists_clips({"path", "zcr"}));
  EXPECT_TRUE(lists_clips({"filename", "label"}));
  EXPECT_TRUE(lists_clips({"", "filename", "label", "start_s", "duration_s"}));
  EXPECT_FALSE(lists_clips({"filename", "label", "zcr"}));
  EXPECT_FALSE(lists_clips({"id", "label"}));
}

TEST(CsvColumns, RepeatOnlyNamesThatTheyHave) {
  EXPECT_EQ(CsvColumns(Header{"b", "a", "B"}).repeated(), "b");
  EXPECT_EQ(CsvColumns(Header{"", "a", ""}).repeated(), "");
  EXPECT_EQ(CsvColumns(Header{"a", "b"}).repeated(), "");
}

TEST(FirstLine, IsReadWholeHoweverLongItIs) {
  const testing::TemporaryFolder folder;
  const std::string header(200'000, 'x');
  for (const char* rest : {"", "\n1,2\n", "\r\n1", "\r1"}) {
    write_file(folder / "a.csv", header + rest);
    EXPECT_EQ(first_line(folder / "a.csv"), header);
  }
  write_file(folder / "a.csv", "");
  EXPECT_EQ(first_line(folder / "a.csv"), "");
  EXPECT_EQ(first_line(folder / "absent.csv"), "");
  write_file(folder / "a.csv", "path,genre\n");
  EXPECT_TRUE(read_csv_columns(folder / "a.csv").lists_clips());
  write_file(folder / "a.csv", "path,\"genre\n");
  EXPECT_FALSE(read_csv_columns(folder / "a.csv").find("path"));
}

TEST(FirstLine, IsCutAfterFourMebibytes) {
  const testing::TemporaryFolder folder;
  write_file(folder / "a.csv", std::string((4U << 20) + 100'000, 'x'));
  EXPECT_EQ(first_line(folder / "a.csv").size(), 4U << 20);
}

}  // namespace
}  // namespace genrewise
