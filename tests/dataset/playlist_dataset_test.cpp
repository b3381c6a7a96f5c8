#include <gmock/gmock.h>

#include "dataset_fixture.hpp"
#include "genrewise/dataset/dataset.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::touch;

class PlaylistDataset : public ::testing::Test {
 protected:
  PlaylistDataset() {
    for (const char* name : {"a.mp3", "b c.mp3", "\u00e9.mp3", "d.mp3"}) touch(folder_ / "music" / name);
    make_folders(lists_);
  }
  TemporaryFolder folder_;
  std::filesystem::path lists_ = folder_ / "playlists";
};

TEST_F(PlaylistDataset, TakesTheGenreFromThePlaylistsName) {
  write_file(lists_ / "Rock.m3u8",
             "\xEF\xBB\xBF#EXTM3U\r\n#EXTINF:123,An Artist - A Title - Live\r\n../music/a.mp3\r\n\r\n# a comment\r\n"
             "..\\music\\d.mp3");
  write_file(lists_ / "Jazz.M3U", "file://" + (folder_ / "music").string() + "/b%20c.mp3\n../music/\u00e9.mp3\n");
  const Dataset dataset = open_dataset(lists_);
  EXPECT_EQ(dataset.kind, "playlists");
  EXPECT_THAT(dataset.labels, ElementsAre("Jazz", "Rock"));
  ASSERT_EQ(dataset.tracks.size(), 4u);
  EXPECT_THAT(dataset.rejected, ElementsAre());
  const Track& a = dataset.tracks[0];
  EXPECT_EQ(a.id, "../music/a.mp3");
  EXPECT_EQ(a.artist, "An Artist");
  EXPECT_EQ(a.title, "A Title - Live");
  EXPECT_EQ(a.label, 1);
  EXPECT_EQ(dataset.tracks[1].id, "../music/b c.mp3");
  EXPECT_EQ(dataset.tracks[1].artist, "");
  EXPECT_EQ(dataset.tracks[2].id, "../music/d.mp3");
  EXPECT_EQ(dataset.tracks[3].id, "../music/\u00e9.mp3");
}

TEST_F(PlaylistDataset, RejectsDuplicateAndMissingTracks) {
  write_file(lists_ / "Jazz.m3u", "../music/a.mp3\n../music/gone.mp3\nhttp://radio.example/stream\n");
  write_file(lists_ / "Rock.m3u", "\n./../music/a.mp3\n../music/d.mp3\n");
  const Dataset dataset = open_dataset(lists_);
  EXPECT_EQ(dataset.tracks.size(), 2u);
  ASSERT_EQ(dataset.rejected.size(), 3u);
  EXPECT_EQ(dataset.rejected[0].reason, "missing file");
  EXPECT_EQ(dataset.rejected[1].reason, "missing file");
  EXPECT_EQ(dataset.rejected[2].reason, "listed twice");
  EXPECT_THAT(dataset.rejected[2].where, HasSubstr("Rock.m3u:2"));
  EXPECT_THAT(dataset.rejected[2].detail, HasSubstr("Jazz.m3u:1"));
}

TEST_F(PlaylistDataset, IgnoresPlaylistsBesideGenreFolders) {
  touch(folder_ / "genres" / "Rock" / "a.mp3");
  write_file(folder_ / "genres" / "favourites.m3u", "Rock/a.mp3\n");
  EXPECT_EQ(open_dataset(folder_ / "genres").kind, "folder");
}

TEST_F(PlaylistDataset, ReportsWhyNoTrackIsUsable) {
  write_file(lists_ / "Rock.m3u", "gone.mp3\n");
  EXPECT_THAT(error_message([&] { open_dataset(lists_); }), HasSubstr("missing file"));
}

TEST_F(PlaylistDataset, KeepsBlanksAfterAPathIfThereIsSuchAFile) {
  touch(folder_ / "music/e.mp3 ");
  write_file(lists_ / "Rock.m3u", "../music/e.mp3 \r\n  ../music/a.mp3\t\n");
  const Dataset dataset = open_dataset(lists_);
  ASSERT_EQ(dataset.tracks.size(), 2u);
  EXPECT_EQ(dataset.tracks[0].id, "../music/a.mp3");
  EXPECT_EQ(dataset.tracks[1].id, "../music/e.mp3 ");
}

}  // namespace
}  // namespace genrewise
