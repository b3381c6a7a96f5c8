// Which files are records, and the text of their features.
#include <gtest/gtest.h>

#include <span>

#include "genrewise/records/example.hpp"
#include "genrewise/records/record_reader.hpp"
#include "genrewise/storage/location.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

const std::vector<std::string> kRecords = {
    "a.tfrec",          "a.tfrecord",          "a.tfrecord.gz",     "a.tfrecords-00000-of-00016.gz",
    "b-00000-of-00016", "b-00000-of-00016.gz", "c.tfrecord-1-of-2", "d.tfrecords"};
const std::vector<std::string> kOthers = {"a.tfrec.gz",      "a.tfrecordx",    "out-of-tune.mp3", "a.txt",
                                          "b-0000-of-00016", "b-00000-of-016", "tfrecord"};

TEST(RecordFiles, AreRecognisedByTheirNames) {
  for (const std::string& name : kRecords) EXPECT_TRUE(is_record_name(name)) << name;
  for (const std::string& name : kOthers) EXPECT_FALSE(is_record_name(name)) << name;
}

TEST(RecordFiles, OfAFolderAreListedInOrderAndOneIsItself) {
  const testing::TemporaryFolder folder;
  for (const auto* names : {&kRecords, &kOthers})
    for (const std::string& name : *names) write_file(folder / name, "x");
  std::vector<std::string> found;
  for (const FileInfo& file : list_record_files(folder.path())) found.emplace_back(last_name(file.location));
  EXPECT_EQ(found, kRecords);
  const auto one = list_record_files(folder / "a.tfrec");
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].location, (folder / "a.tfrec").string());
}

TEST(ExampleText, IsTheFirstTextOrIntegerOfAKey) {
  ExampleWriter writer;
  writer.add("id", std::vector<std::int64_t>{-7, 8});
  writer.add("name", "a b");
  writer.add("song", std::vector<float>{1.5F});
  const std::string payload(writer.finish());
  ExampleView example;
  ASSERT_TRUE(example.parse(std::as_bytes(std::span(payload))));
  EXPECT_EQ(example.text("id"), "-7");
  EXPECT_EQ(example.text("name"), "a b");
  EXPECT_EQ(example.text("song"), "");
  EXPECT_EQ(example.text("missing"), "");
}

}  // namespace
}  // namespace genrewise
