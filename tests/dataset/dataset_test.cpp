#include "genrewise/dataset/dataset.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include "dataset_fixture.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::touch;

std::vector<std::string> ids(const Dataset& dataset) {
  std::vector<std::string> ids;
  for (const Track& track : dataset.tracks) ids.push_back(track.id);
  return ids;
}

std::vector<std::string> reasons(const Dataset& dataset) {
  std::vector<std::string> reasons;
  for (const Fault& fault : dataset.rejected) reasons.push_back(fault.reason);
  return reasons;
}

class CsvDataset : public ::testing::Test {
 protected:
  Dataset open(const std::string& text) {
    for (const char* name : {"a.mp3", "b.mp3", "c.mp3"}) touch(folder_ / name);
    write_file(folder_ / "list.csv", text);
    return open_dataset(folder_ / "list.csv");
  }
  std::string error(const std::string& text) {
    return error_message([&] { open(text); });
  }
  TemporaryFolder folder_;
};

TEST_F(CsvDataset, ReadsEveryColumnInAnyOrder) {
  const Dataset dataset = open(
      "\xef\xbb\xbf"
      "track_id,genre,path,artist,album,title,split,start_s,duration_s\r\n"
      "10,Rock,a.mp3,An Artist,An Album,A Title,train,1.5,20\r\n"
      "9,\"Hip-Hop, \"\"old\"\"\nand new\",b.mp3,,,,test,,\r\n");
  EXPECT_EQ(dataset.kind, "csv");
  EXPECT_EQ(dataset.name, "list.csv");
  EXPECT_THAT(dataset.labels, ElementsAre("Hip-Hop, \"old\"\nand new", "Rock"));
  ASSERT_THAT(ids(dataset), ElementsAre("9", "10"));  // numbers as numbers
  const Track& rock = dataset.tracks[1];
  EXPECT_EQ(rock.label, 1);
  EXPECT_EQ(rock.path, folder_ / "a.mp3");
  EXPECT_EQ(rock.artist, "An Artist");
  EXPECT_EQ(rock.album, "An Album");
  EXPECT_EQ(rock.title, "A Title");
  EXPECT_EQ(rock.official_part, Part::training);
  EXPECT_EQ(rock.clip.start_s, 1.5);
  EXPECT_EQ(rock.clip.duration_s, 20);
  const Track& other = dataset.tracks[0];
  EXPECT_EQ(other.official_part, Part::test);
  EXPECT_EQ(other.clip.start_s, std::nullopt);
  EXPECT_EQ(other.clip.duration_s, kDefaultClip.duration_s);
}

TEST_F(CsvDataset, NamesTracksByPathAndStartWhenTheyHaveNoId) {
  const Dataset dataset = open("path,genre,start_s\na.mp3,x,\nb.mp3,x,0\nb.mp3,x,30\n");
  EXPECT_THAT(ids(dataset), ElementsAre("a.mp3", "b.mp3@0", "b.mp3@30"));
}

TEST_F(CsvDataset, RejectsRowsWithoutGenreOrFileAndContinues) {
  const Dataset dataset = open("path,genre\na.mp3,x\nb.mp3, \nmissing.mp3,y\n");
  EXPECT_THAT(ids(dataset), ElementsAre("a.mp3"));
  EXPECT_THAT(dataset.labels, ElementsAre("x"));
  EXPECT_THAT(reasons(dataset), ElementsAre("no genre", "missing file"));
  EXPECT_THAT(dataset.rejected[0].where, HasSubstr("list.csv:3"));
  EXPECT_THAT(dataset.rejected[1].detail, HasSubstr("missing.mp3"));
}

TEST_F(CsvDataset, KeepsTracksWithoutGenreOnRequest) {
  touch(folder_ / "a.mp3");
  write_file(folder_ / "list.csv", "path,genre\na.mp3,\n");
  const Dataset dataset = open_dataset(folder_ / "list.csv", {.keep_unlabelled = true});
  ASSERT_EQ(dataset.tracks.size(), 1u);
  EXPECT_EQ(dataset.tracks[0].label, -1);
}

TEST_F(CsvDataset, RefusesASubset) {
  touch(folder_ / "a.mp3");
  write_file(folder_ / "list.csv", "path,genre\na.mp3,x\n");
  try {
    open_dataset(folder_ / "list.csv", {.fma_subset = "small"});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.where(), "--subset");
  }
}

TEST_F(CsvDataset, NamesMissingColumnsAndTheLine) {
  EXPECT_THAT(error("file,label\na.mp3,x\n"), AllOf(HasSubstr("'path', 'genre'"), HasSubstr("list.csv:1")));
  EXPECT_THAT(error("path,genre,path\na.mp3,x,y\n"), HasSubstr("'path'"));
}

TEST_F(CsvDataset, NamesTheLineOfAnInvalidRow) {
  EXPECT_THAT(error("path,genre\na.mp3,x\nb.mp3\n"), AllOf(HasSubstr("list.csv:3"), HasSubstr("1 fields")));
  EXPECT_THAT(error("path,genre\na.mp3,Rock, Pop\n"), AllOf(HasSubstr("list.csv:2"), HasSubstr("quotes")));
  EXPECT_THAT(error("path,genre\n,x\n"), AllOf(HasSubstr("list.csv:2"), HasSubstr("path is empty")));
}

TEST_F(CsvDataset, NamesTheLineOfABadNumberOrPart) {
  EXPECT_THAT(error("path,genre,start_s\na.mp3,x,soon\n"), AllOf(HasSubstr("list.csv:2"), HasSubstr("'soon'")));
  EXPECT_THAT(error("path,genre,start_s\na.mp3,x,-1\n"), HasSubstr("'-1'"));
  EXPECT_THAT(error("path,genre,duration_s\na.mp3,x,0\n"), HasSubstr("above 0"));
  EXPECT_THAT(error("path,genre,duration_s\na.mp3,x,nan\n"), HasSubstr("'nan'"));
  EXPECT_THAT(error("path,genre,split\na.mp3,x,tset\n"), AllOf(HasSubstr("list.csv:2"), HasSubstr("'tset'")));
}

TEST_F(CsvDataset, RefusesRepeatedIdsNamingBothLines) {
  EXPECT_THAT(error("path,genre,track_id\na.mp3,x,7\nb.mp3,x,8\nc.mp3,y,7\n"),
              AllOf(HasSubstr("'7'"), HasSubstr("list.csv:2"), HasSubstr("list.csv:4")));
}

TEST_F(CsvDataset, IsOpenedByItsFolderWhenItIsTheOnlyListOfClipsThere) {
  open("path,genre,artist\na.mp3,Rock,A\n");
  touch(folder_ / "Jazz/x.mp3");  // without the CSV the folder would be another kind of dataset
  write_file(folder_ / "features.csv", "\"feature\n1\",label\n1,Rock\n");
  const Dataset dataset = open_dataset(folder_.path());
  EXPECT_EQ(dataset.kind, "csv");
  EXPECT_EQ(dataset.tracks[0].artist, "A");
  write_file(folder_ / "other.csv", "genre,path\n");
  EXPECT_THAT(error_message([&] { open_dataset(folder_.path()); }),
              AllOf(HasSubstr("list.csv"), HasSubstr("other.csv")));
}

TEST_F(CsvDataset, ReportsWhyNoTrackIsUsable) {
  EXPECT_THAT(error("path,genre\nx.mp3,x\ny.mp3,y\n"), AllOf(HasSubstr("2 missing file"), HasSubstr("x.mp3")));
  EXPECT_THAT(error("path,genre\n"), HasSubstr("no audio files"));
  EXPECT_THAT(error(""), HasSubstr("empty"));
  EXPECT_THAT(error(std::string("ID3\0\0", 5)), HasSubstr("not a text file"));
}

TEST(Dataset, OpensOneGenreWithOneTrack) {
  const TemporaryFolder folder;
  touch(folder / "Jazz/only.wav");
  EXPECT_EQ(open_dataset(folder.path()).tracks.size(), 1u);
}

TEST(Dataset, ReportsWhatItLookedForInAnEmptyFolder) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_message([&] { open_dataset(folder.path()); }), HasSubstr("sub-folders named by genre"));
  EXPECT_THAT(error_message([&] { open_dataset(folder / "missing"); }), HasSubstr("no such file or folder"));
}

TEST(Dataset, NamesAFolderThatCannotBeRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read every folder";
  const TemporaryFolder folder;
  touch(folder / "closed/Jazz/x.wav");
  std::filesystem::permissions(folder / "closed", std::filesystem::perms::none);
  const std::string error = error_message([&] { open_dataset(folder / "closed"); });
  std::filesystem::permissions(folder / "closed", std::filesystem::perms::owner_all);
  EXPECT_THAT(error, AllOf(HasSubstr("closed"), HasSubstr("permissions")));
}

TEST(GenreFolders, TakeGenresFromFoldersAndAlbumsFromSubfolders) {
  const TemporaryFolder folder;
  touch(folder / "Rock/Ünïcode 音楽.mp3");
  touch(folder / "Rock/Artist/Album/01.FLAC");
  touch(folder / "Jazz/x.wav");
  const Dataset dataset = open_dataset(folder.path());
  EXPECT_EQ(dataset.kind, "folder");
  EXPECT_EQ(dataset.name, folder.path().filename());
  EXPECT_THAT(dataset.labels, ElementsAre("Jazz", "Rock"));
  ASSERT_THAT(ids(dataset), ElementsAre("Jazz/x.wav", "Rock/Artist/Album/01.FLAC", "Rock/Ünïcode 音楽.mp3"));
  EXPECT_EQ(dataset.tracks[0].album, "");
  EXPECT_EQ(dataset.tracks[1].album, "Rock/Artist/Album");
  EXPECT_EQ(dataset.tracks[1].label, 1);
}

TEST(GenreFolders, CountAndIgnoreFilesThatAreNotAudio) {
  const TemporaryFolder folder;
  touch(folder / "Jazz/x.wav");
  touch(folder / "Jazz/cover.jpg");
  touch(folder / "Jazz/._x.wav");
  touch(folder / ".hidden/y.wav");
  touch(folder / "notes.txt");
  touch(folder / "stray.mp3");
  touch(folder / "empty genre/readme");
  const Dataset dataset = open_dataset(folder.path());
  EXPECT_THAT(ids(dataset), ElementsAre("Jazz/x.wav"));
  EXPECT_THAT(dataset.labels, ElementsAre("Jazz"));
  EXPECT_EQ(dataset.ignored, 5u);
  ASSERT_THAT(reasons(dataset), ElementsAre("no genre"));
  EXPECT_THAT(dataset.rejected[0].where, HasSubstr("stray.mp3"));
}

TEST(GenreFolders, KeepFilesBesideThemWithoutGenreOnRequest) {
  const TemporaryFolder folder;
  touch(folder / "Jazz/x.wav");
  touch(folder / "stray.mp3");
  const Dataset dataset = open_dataset(folder.path(), {.keep_unlabelled = true});
  EXPECT_THAT(ids(dataset), ElementsAre("Jazz/x.wav", "stray.mp3"));
  EXPECT_EQ(dataset.tracks[1].label, -1);
  EXPECT_TRUE(dataset.rejected.empty());
}

TEST(GenreFolders, AreFoundOneLevelDownInGtzansArchive) {
  const TemporaryFolder folder;
  touch(folder / "genres_original/blues/blues.00000.wav");
  touch(folder / "images_original/blues/blues00000.png");
  touch(folder / "features_30_sec.csv");
  const Dataset dataset = open_dataset(folder / "");
  EXPECT_THAT(ids(dataset), ElementsAre("blues/blues.00000.wav"));
  EXPECT_EQ(dataset.name, folder.path().filename());
}

TEST(GenreFolders, TerminateOnCircularLinks) {
  const TemporaryFolder folder;
  touch(folder / "Jazz/album/x.wav");
  std::filesystem::create_directory_symlink(folder / "Jazz", folder / "Jazz/album/again");
  EXPECT_THAT(ids(open_dataset(folder.path())), ElementsAre("Jazz/album/x.wav"));
}

TEST(Parts, AcceptCommonSpellings) {
  EXPECT_EQ(parse_part("Train"), Part::training);
  EXPECT_EQ(parse_part("val"), Part::validation);
  EXPECT_EQ(parse_part("test"), Part::test);
  EXPECT_EQ(parse_part("trainval"), std::nullopt);
  for (const Part part : {Part::training, Part::validation, Part::test}) EXPECT_EQ(parse_part(to_string(part)), part);
}

}  // namespace
}  // namespace genrewise
