#include <gmock/gmock.h>

#include "genrewise/base/csv.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/dataset/find_audio.hpp"
#include "genrewise/storage/files.hpp"
#include "support/stores_of_server.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing;

std::vector<std::string> ids_of(const Dataset& dataset) {
  std::vector<std::string> ids;
  for (const Track& track : dataset.tracks) ids.push_back(track.id);
  return ids;
}

class ListDataset : public ::testing::Test {
 protected:
  S3Server server_;
  StoresOfServer stores_{server_};
  TemporaryFolder folder_;
};

TEST_F(ListDataset, TakesTheGenresOfAPrefixFromItsFolders) {
  for (const char* key : {"lib/rock/b/2.mp3", "lib/rock/1.mp3", "lib/jazz/1.flac", "lib/top.mp3", "lib/jazz/cover.jpg",
                          "library/other.mp3"})
    server_.put(key, "12345");
  for (const char* location : {"s3://music/lib", "s3://music/lib/"}) {
    const Dataset dataset = open_dataset(location);
    EXPECT_EQ(dataset.kind, "list");
    EXPECT_EQ(dataset.name, "lib");
    EXPECT_THAT(dataset.labels, ElementsAre("jazz", "rock"));
    EXPECT_THAT(ids_of(dataset), ElementsAre("jazz/1.flac", "rock/1.mp3", "rock/b/2.mp3"));
    EXPECT_EQ(dataset.tracks[2].path, "s3://music/lib/rock/b/2.mp3");
    EXPECT_EQ(dataset.tracks[2].label, 1);
    EXPECT_EQ(dataset.tracks[2].bytes, 5u);
    EXPECT_EQ(dataset.ignored, 1u);
    ASSERT_EQ(dataset.rejected.size(), 1u);
    EXPECT_EQ(dataset.rejected[0].reason, "no genre");
  }
  EXPECT_EQ(open_dataset("s3://music/lib", {.keep_unlabelled = true}).tracks.size(), 4u);
  EXPECT_THAT(error_message([] { open_dataset("s3://music/lib/jazz"); }), HasSubstr("--unlabelled"));
}

TEST_F(ListDataset, TakesTheGenresOfAPatternFromTheFoldersOfItsFiles) {
  for (const char* key : {"fma_wav/rock/1.wav", "fma_wav/jazz/2.wav", "fma_wav/jazz/2.txt", "fma_wav/jazz/x/3.wav",
                          "fma_wav/4.wav", "[2020]/jazz/5.wav"})
    server_.put(key, "12345");
  const Dataset dataset = open_dataset("s3://music/fma_wav/*/*.wav");
  EXPECT_EQ(dataset.kind, "list");
  EXPECT_EQ(dataset.name, "fma_wav");
  EXPECT_THAT(dataset.labels, ElementsAre("jazz", "rock"));
  EXPECT_THAT(ids_of(dataset), ElementsAre("jazz/2.wav", "rock/1.wav"));
  EXPECT_EQ(dataset.tracks[1].path, "s3://music/fma_wav/rock/1.wav");
  EXPECT_THAT(open_dataset("s3://music/fma_wav/**.wav").labels, ElementsAre("jazz", "rock", "x"));
  EXPECT_THAT(open_dataset("s3://music/[2020]").labels, ElementsAre("jazz"));  // a folder with this name
  EXPECT_THAT(error_message([] { open_dataset("s3://music/none/*.wav"); }), HasSubstr("no audio files were found"));
  make_folders(folder_ / "Soul");
  write_file(folder_ / "Soul/a b.wav", "12345");
  EXPECT_THAT(open_dataset(folder_ / "*/*.wav").labels, ElementsAre("Soul"));
}

TEST_F(ListDataset, ReadsOneLocationALine) {
  write_file(folder_ / "music.txt", "\xEF\xBB\xBFs3://music/b.mp3\r\n# comment\n\n  a.mp3\nrock/c.mp3\na.mp3");
  const Dataset dataset = open_dataset(folder_ / "music.txt");
  EXPECT_THAT(ids_of(dataset), ElementsAre("a.mp3", "rock/c.mp3", "s3://music/b.mp3"));
  EXPECT_EQ(dataset.tracks[0].path, folder_ / "a.mp3");
  EXPECT_EQ(dataset.tracks[2].path, "s3://music/b.mp3");
  for (const Track& track : dataset.tracks) EXPECT_EQ(track.label, -1) << track.id;
  ASSERT_EQ(dataset.rejected.size(), 1u);
  EXPECT_EQ(dataset.rejected[0].reason, "listed twice");
  const Dataset labelled = open_dataset(folder_ / "music.txt", {.labels = LabelSource::folders});
  EXPECT_THAT(labelled.labels, ElementsAre("music", "rock"));
}

TEST_F(ListDataset, LeavesTablesWithAnotherNameToTheirKind) {
  write_file(folder_ / "a.mp3", "x");
  write_file(folder_ / "table.txt", "path\tgenre\na.mp3\tRock\n");
  EXPECT_EQ(open_dataset(folder_ / "table.txt").kind, "csv");
}

TEST_F(ListDataset, ReadsWhatTheCommandListWrites) {
  write_file(folder_ / "music.csv",
             "bytes,modified,location\n7,2026-01-01T00:00:00Z,s3://music/a.mp3\n9,,\"s3://music/b,c.mp3\"\n1,,x.jpg\n");
  const Dataset dataset = open_dataset(folder_ / "music.csv");
  EXPECT_THAT(ids_of(dataset), ElementsAre("s3://music/a.mp3", "s3://music/b,c.mp3"));
  EXPECT_EQ(dataset.tracks[1].bytes, 9u);
  EXPECT_EQ(dataset.ignored, 1u);
  write_file(folder_ / "music.csv", "bytes,modified,location\nmany,,a.mp3\n");
  EXPECT_THAT(error_message([&] { open_dataset(folder_ / "music.csv"); }), HasSubstr("is not one of"));
}

TEST_F(ListDataset, ReadsNamesWithQuotesAndLineEnds) {
  const std::vector<std::string> names = {"\"Heroes\".mp3", "a \"b\" c.mp3", "line\n\n end, \"\n.mp3", "z \".mp3"};
  std::string text =
      "\xEF\xBB\xBF"
      "bytes,modified,location\r\n";
  for (const std::string& name : names) {
    text += "7,,";
    append_csv_field(text, name);
    text += "\r\n";
  }
  write_file(folder_ / "music.csv", text + "7,,unquoted \".mp3\r\n7,,\"more\" \"quotes.mp3\r\n");
  EXPECT_THAT(ids_of(open_dataset(folder_ / "music.csv")),
              ElementsAre(names[0], names[1], names[2], "more \"quotes.mp3", "unquoted \".mp3", names[3]));
  write_file(folder_ / "music.csv", text + "7,,\"a.mp3\r\n7,,b.mp3\r\n");
  EXPECT_THAT(error_message([&] { open_dataset(folder_ / "music.csv"); }), HasSubstr("no closing quote"));
  write_file(folder_ / "music.csv", text + "7,,\"a.mp3\n" + std::string(1 << 21, '\n'));
  EXPECT_THAT(error_message([&] { open_dataset(folder_ / "music.csv"); }), HasSubstr("more than 1 MiB"));
}

TEST_F(ListDataset, PartsCoverTheWholeAndAreBalancedBySize) {
  std::string text = "bytes,modified,location\n";
  for (int i = 0; i < 100; ++i)
    text += std::to_string(i < 50 ? 3000 : 1000) + ",,f" + std::to_string(100 + i) + ".mp3\n";
  write_file(folder_ / "music.csv", text);
  std::vector<std::string> ids;
  std::string sha256;
  for (std::size_t number = 1; number <= 4; ++number) {
    const Dataset part = open_dataset(folder_ / "music.csv", {.part = JobPart{number, 4}});
    std::uint64_t bytes = 0;
    for (const Track& track : part.tracks) bytes += track.bytes, ids.push_back(track.id);
    EXPECT_NEAR(static_cast<double>(bytes), 50000, 3000);
    EXPECT_EQ(part.part->tracks, 100u);
    EXPECT_TRUE(sha256.empty() || sha256 == part.part->sha256);
    sha256 = part.part->sha256;
  }
  EXPECT_EQ(ids, ids_of(open_dataset(folder_ / "music.csv")));
  const DatasetOptions other{.clip_duration_s = 10, .part = JobPart{1, 4}};
  EXPECT_NE(open_dataset(folder_ / "music.csv", other).part->sha256, sha256);
  EXPECT_THAT(error_message([&] {
                open_dataset(folder_ / "music.csv", {.part = JobPart{1, 101}});
              }),
              HasSubstr("fewer than the 101 parts"));
}

TEST_F(ListDataset, PartsStateTheGenresOfTheWhole) {
  const auto sum = [&](const std::string& genre) {
    write_file(folder_ / "a.mp3", "x");
    write_file(folder_ / "clips.csv", "path,genre\na.mp3," + genre + "\n");
    return open_dataset(folder_ / "clips.csv", {.part = JobPart{1, 1}}).part->sha256;
  };
  EXPECT_EQ(sum("Rock"), sum("Rock"));
  EXPECT_NE(sum("Rock"), sum("Jazz"));
}

TEST_F(ListDataset, OfAnyKindIsDividedWithoutGapsAndDoublets) {
  std::string text = "path,genre,duration_s\n";
  for (int i = 0; i < 20; ++i) {
    write_file(folder_ / (std::to_string(i) + ".mp3"), "x");
    text += std::to_string(i) + ".mp3,Rock," + (i < 10 ? "30" : "10") + "\n";
  }
  write_file(folder_ / "clips.csv", text + "gone.mp3,Rock,3\n");
  std::vector<std::string> ids;
  for (std::size_t number = 1; number <= 3; ++number) {
    const Dataset part = open_dataset(folder_ / "clips.csv", {.part = JobPart{number, 3}});
    for (const Track& track : part.tracks) ids.push_back(track.id);
    EXPECT_EQ(part.rejected.size(), number == 1 ? 1u : 0u);
    EXPECT_THAT(part.labels, ElementsAre("Rock"));
  }
  EXPECT_EQ(ids, ids_of(open_dataset(folder_ / "clips.csv")));
}

TEST_F(ListDataset, IsDividedWhateverItsDurations) {
  for (const char* name : {"0.mp3", "1.mp3"}) write_file(folder_ / name, "x");
  write_file(folder_ / "clips.csv", "path,genre,duration_s\n0.mp3,Rock,1e300\n1.mp3,Rock,1e300\n");
  for (const std::size_t number : {1, 2})
    EXPECT_EQ(open_dataset(folder_ / "clips.csv", {.part = JobPart{number, 2}}).tracks.size(), 1u) << number;
}

TEST_F(ListDataset, IsFoundByPredict) {
  server_.put("lib/rock/1.mp3", "1");
  server_.put("lib/2.mp3", "1");
  std::vector<Fault> faults;
  const std::filesystem::path inputs[] = {"s3://music/lib", "s3://music/lib/2.mp3"};
  EXPECT_THAT(find_audio(inputs, faults),
              ElementsAre("s3://music/lib/2.mp3", "s3://music/lib/rock/1.mp3", "s3://music/lib/2.mp3"));
  EXPECT_TRUE(faults.empty());
}

}  // namespace
}  // namespace genrewise
