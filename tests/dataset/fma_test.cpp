#include <gmock/gmock.h>

#include "dataset_fixture.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/dataset/split.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::touch;

// Columns in another order than FMA's, and one that is not used, with a line break in it.
constexpr const char* kHeader =
    ",album,album,album,artist,artist,set,set,track,track\n"
    ",comments,id,title,id,name,split,subset,genre_top,title\n"
    "track_id,,,,,,,,,\n";

class Fma : public ::testing::Test {
 protected:
  Fma() {
    write_tracks(std::string(kHeader) +
                 "2,\"<p>two\nlines</p>\",1,Best Of,7,The Duo,training,small,Rock,\"Song, \"\"live\"\"\"\n"
                 "5,,1,Best Of,8,The Duo,validation,small,Jazz,Five\n"
                 "1000,,-1,,8,The Duo,test,medium,Jazz,Thousand\n"
                 "1001,,3,Other,9,Solo,training,large,,No Genre\n"
                 "1002,,3,Other,9,Solo,training,large,Rock,Late\n"
                 "123456,,3,Other,9,Solo,training,large,Rock,Missing\n");
    touch(folder_ / "fma_large/000/000002.mp3");
    for (const char* name : {"000/000005.mp3", "001/001000.mp3", "001/001001.mp3", "001/001002.mp3"}) {
      touch(folder_ / "fma_large" / name);
    }
    touch(folder_ / "fma_small/000/000002.mp3");
    touch(folder_ / "fma_small/000/000005.mp3");
  }
  void write_tracks(const std::string& text) {
    make_folders(folder_ / "fma_metadata");
    write_file(folder_ / "fma_metadata/tracks.csv", text);
  }
  Dataset open(const std::string& subset = "small", const std::string& location = "") {
    return open_dataset(folder_ / location, {.fma_subset = subset, .keep_unlabelled = false});
  }
  TemporaryFolder folder_;
};

TEST_F(Fma, ReadsTheHeaderRowsAndFieldsWithLineBreaks) {
  const Dataset dataset = open();
  EXPECT_EQ(dataset.kind, "fma");
  EXPECT_THAT(dataset.labels, ElementsAre("Jazz", "Rock"));
  ASSERT_EQ(dataset.tracks.size(), 2u);
  const Track& track = dataset.tracks[0];
  EXPECT_EQ(track.id, "2");
  EXPECT_EQ(track.path, folder_ / "fma_small/000/000002.mp3");
  EXPECT_EQ(track.label, 1);
  EXPECT_EQ(track.title, "Song, \"live\"");
  EXPECT_EQ(track.artist, "The Duo [7]");
  EXPECT_EQ(track.album, "Best Of [1]");
  EXPECT_EQ(track.official_part, Part::training);
}

TEST_F(Fma, KeepsArtistsOfTheSameNameApart) {
  const Dataset dataset = open();
  EXPECT_NE(dataset.tracks[0].artist, dataset.tracks[1].artist);
  EXPECT_EQ(dataset.tracks[0].album, dataset.tracks[1].album);  // a compilation links them
}

TEST_F(Fma, IncludesSmallerSubsetsInLargerOnes) {
  EXPECT_EQ(open("medium").tracks.size(), 3u);
  const Dataset large = open("large");
  EXPECT_EQ(large.tracks.size(), 4u);
  EXPECT_EQ(large.tracks[0].path, folder_ / "fma_large/000/000002.mp3");
  EXPECT_EQ(large.tracks[2].album, "");  // FMA's id -1: no album
  EXPECT_EQ(open("full").tracks.size(), 4u);
  EXPECT_THAT(error_message([&] { open("tiny"); }), AllOf(HasSubstr("'tiny'"), HasSubstr("medium")));
}

TEST_F(Fma, RejectsTracksWithoutGenreOrFile) {
  const Dataset dataset = open("large");
  ASSERT_EQ(dataset.rejected.size(), 2u);
  EXPECT_EQ(dataset.rejected[0].reason, "no genre");
  EXPECT_THAT(dataset.rejected[0].where, HasSubstr("tracks.csv:8"));
  EXPECT_EQ(dataset.rejected[1].reason, "missing file");
  EXPECT_THAT(dataset.rejected[1].detail, HasSubstr("fma_large/123/123456.mp3"));
}

TEST_F(Fma, IsOpenedByItsAudioFolderToo) {
  const Dataset dataset = open("small", "fma_small");
  EXPECT_EQ(dataset.name, "fma_small");
  EXPECT_EQ(dataset.tracks.size(), 2u);
  EXPECT_EQ(open("small", "fma_small/").tracks.size(), 2u);
  EXPECT_EQ(open("small", "fma_metadata").tracks.size(), 2u);
}

TEST_F(Fma, UsesItsOwnSplitByDefault) {
  EXPECT_EQ(make_split(subjects_of(open("medium"))).scheme, SplitScheme::official);
}

TEST_F(Fma, ReportsWhatIsMissing) {
  std::filesystem::remove_all(folder_ / "fma_small");
  std::filesystem::remove_all(folder_ / "fma_large");
  EXPECT_THAT(error_message([&] { open(); }), AllOf(HasSubstr("2 missing file"), HasSubstr("000/000002.mp3")));
  write_tracks("track_id,genre_top\n2,Rock\n");
  EXPECT_THAT(error_message([&] { open(); }), HasSubstr("tracks.csv:1"));
  write_tracks(",set,set\n,split,subset\ntrack_id,,\n");
  EXPECT_THAT(error_message([&] { open(); }), HasSubstr("'track, genre_top'"));
  write_tracks(std::string(kHeader) + "2,,1,Best\n");
  EXPECT_THAT(error_message([&] { open(); }), HasSubstr("tracks.csv:4"));
}

TEST_F(Fma, OpensRealRows) {
  std::filesystem::copy_file(testing::golden_path("fma/tracks.csv"), folder_ / "fma_metadata/tracks.csv",
                             std::filesystem::copy_options::overwrite_existing);
  touch(folder_ / "fma_small/000/000140.mp3");
  const Dataset dataset = open();
  ASSERT_EQ(dataset.tracks.size(), 3u);  // 10 is missing
  EXPECT_EQ(dataset.tracks[0].id, "2");
  EXPECT_EQ(dataset.tracks[0].title, "Food");
  EXPECT_EQ(dataset.tracks[0].artist, "AWOL [1]");
  EXPECT_EQ(dataset.tracks[2].id, "140");
  EXPECT_THAT(dataset.labels, ElementsAre("Folk", "Hip-Hop"));
  ASSERT_EQ(dataset.rejected.size(), 1u);
  EXPECT_EQ(dataset.rejected[0].reason, "missing file");
}

}  // namespace
}  // namespace genrewise
