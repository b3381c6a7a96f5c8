#include "genrewise/dataset/dataset.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset_fixture.hpp"
#include "support/ordinary_user.hpp"

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
  EXPECT_THAT(error("name,kind\na.mp3,x\n"),
              AllOf(HasSubstr("'path', 'genre'"), HasSubstr("list.csv:1"), HasSubstr("has: name, kind")));
  EXPECT_THAT(error("path,genre,Path\na.mp3,x,y\n"), HasSubstr("'path'"));
}

TEST_F(CsvDataset, FindsColumnsByNameWithoutCaseAndBySynonyms) {
  for (const char* header : {"Path,Genre", "PATH,Label", "path,genre_top", "Filename,label", "File Path,class",
                             "file;genre", "path\ttrack_genre"}) {
    const char separator = std::string_view(header).find_first_of(";\t") == std::string_view::npos
                               ? ','
                               : header[std::string_view(header).find_first_of(";\t")];
    const Dataset dataset = open(std::string(header) + "\na.mp3" + separator + "rock\n");
    EXPECT_THAT(ids(dataset), ElementsAre("a.mp3")) << header;
    EXPECT_THAT(dataset.labels, ElementsAre("rock")) << header;
  }
  const Dataset dataset = open("Track-ID,PATH,label,Genre,Artist Name,SPLIT,Start_s\n7,a.mp3,1,rock,A,Test,2\n");
  EXPECT_THAT(ids(dataset), ElementsAre("7"));
  EXPECT_THAT(dataset.labels, ElementsAre("rock"));
  EXPECT_EQ(dataset.tracks[0].artist, "A");
  EXPECT_EQ(dataset.tracks[0].official_part, Part::test);
  EXPECT_EQ(dataset.tracks[0].clip.start_s, 2);
}

TEST_F(CsvDataset, KeepsBlanksAroundAPathIfThereIsSuchAFile) {
  touch(folder_ / " 01 song.mp3");
  touch(folder_ / "end .mp3 ");
  const Dataset dataset = open("path,genre\n\" 01 song.mp3\",x\nend .mp3 ,x\n a.mp3 ,x\n\" b.mp3\",x\n");
  EXPECT_THAT(ids(dataset), ElementsAre(" 01 song.mp3", "a.mp3", "b.mp3", "end .mp3 "));
  EXPECT_EQ(dataset.tracks[0].path, folder_ / " 01 song.mp3");
  EXPECT_THAT(dataset.rejected, ::testing::IsEmpty());
}

TEST_F(CsvDataset, ReportsWhatAPathIsInsteadOfAFile) {
  std::filesystem::create_directory(folder_ / "sub.mp3");
  ASSERT_EQ(::mkfifo((folder_ / "pipe.mp3").c_str(), 0600), 0);
  const Dataset dataset = open("path,genre\na.mp3,x\nsub.mp3,x\npipe.mp3,x\na.mp3/x.mp3,x\n");
  EXPECT_THAT(reasons(dataset), ElementsAre("cannot be opened", "cannot be opened", "missing file"));
  EXPECT_THAT(dataset.rejected[0].detail, HasSubstr("sub.mp3 is a folder"));
  EXPECT_THAT(dataset.rejected[1].detail, HasSubstr("pipe.mp3 is not a regular file"));
  EXPECT_THAT(dataset.rejected[2].detail, HasSubstr("does not exist"));
}

TEST_F(CsvDataset, ReportsAFileInAFolderThatCannotBeRead) {
  touch(folder_ / "closed/x.mp3");
  AS_ORDINARY_USER(folder_.path());
  std::filesystem::permissions(folder_ / "closed", std::filesystem::perms::none);
  const Dataset dataset = open("path,genre\na.mp3,x\nclosed/x.mp3,x\n");
  std::filesystem::permissions(folder_ / "closed", std::filesystem::perms::owner_all);
  EXPECT_THAT(reasons(dataset), ElementsAre("cannot be opened"));
  EXPECT_THAT(dataset.rejected[0].detail, HasSubstr("Permission denied"));
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

TEST_F(CsvDataset, AnAudioFileIsNotReadAsATable) {
  const auto song = folder_ / "Song.FLAC";
  write_file(song, std::string(100, 'x'));
  EXPECT_THAT(error_message([&] { open_dataset(song); }), AllOf(HasSubstr("is an audio file"), HasSubstr("predict")));
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
  const TemporaryFolder folder;
  touch(folder / "closed/Jazz/x.wav");
  AS_ORDINARY_USER(folder.path());
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

TEST(GenreFolders, DoNotFollowLinksThatLeadIntoOtherGenres) {
  const TemporaryFolder folder;
  touch(folder / "in/rock/a.wav");
  touch(folder / "in/jazz/b.wav");
  std::filesystem::create_directory_symlink("..", folder / "in/rock/up");
  std::filesystem::create_directory_symlink("../..", folder / "in/jazz/above");
  std::filesystem::create_directory_symlink("../jazz", folder / "in/rock/friend");
  std::filesystem::create_directory_symlink("rock", folder / "in/metal");
  std::filesystem::create_symlink("../jazz/b.wav", folder / "in/rock/c.wav");
  const Dataset dataset = open_dataset(folder / "in");
  EXPECT_THAT(ids(dataset), ElementsAre("jazz/b.wav", "rock/a.wav"));
  EXPECT_THAT(dataset.labels, ElementsAre("jazz", "rock"));
  ASSERT_THAT(reasons(dataset), ::testing::Each("link not followed"));
  std::vector<std::string> links;
  for (const Fault& fault : dataset.rejected) {
    links.push_back(std::filesystem::path(fault.where).lexically_relative(folder / "in").string());
  }
  EXPECT_THAT(links, ::testing::UnorderedElementsAre("rock/up", "jazz/above", "rock/friend", "metal", "rock/c.wav"));
  EXPECT_THAT(dataset.rejected[0].detail, HasSubstr("contains the dataset"));
}

TEST(GenreFolders, TakeFoldersAndFilesElsewhereThatLinksLeadToOnce) {
  const TemporaryFolder folder;
  touch(folder / "elsewhere/x.wav");
  touch(folder / "in/rock/album/a.wav");
  touch(folder / "in/.git/annex/object");
  touch(folder / "in/stray.wav");
  std::filesystem::create_directory_symlink(folder / "elsewhere", folder / "in/jazz");
  std::filesystem::create_directory_symlink(folder / "elsewhere", folder / "in/rock/more");
  std::filesystem::create_directory_symlink("album", folder / "in/rock/again");
  std::filesystem::create_symlink("../.git/annex/object", folder / "in/rock/b.wav");
  std::filesystem::create_symlink("../stray.wav", folder / "in/rock/s.wav");
  std::filesystem::create_symlink("album/a.wav", folder / "in/rock/same.wav");
  const Dataset dataset = open_dataset(folder / "in");
  EXPECT_THAT(ids(dataset), ElementsAre("jazz/x.wav", "rock/album/a.wav", "rock/b.wav", "rock/s.wav"));
  EXPECT_THAT(reasons(dataset), ElementsAre("link not followed", "no genre"));
}

TEST(GenreFolders, RefuseTheFoldersOfAnFmaArchive) {
  const TemporaryFolder folder;
  touch(folder / "fma_small/000/000002.mp3");
  touch(folder / "fma_small/001/001001.mp3");
  touch(folder / "fma_small/README.txt");
  touch(folder / "own/000/000002.mp3");
  const std::string remedy = "genrewise fetch fma-metadata --to ";
  EXPECT_THAT(error_message([&] { open_dataset(folder / "fma_small"); }),
              AllOf(HasSubstr("fma_metadata/tracks.csv"), HasSubstr(remedy + folder.path().string() + "`")));
  EXPECT_THAT(error_message([&] { open_dataset(folder / ""); }), HasSubstr("fma_metadata/tracks.csv"));
  EXPECT_THAT(error_message([&] { open_dataset(folder / "own"); }),
              HasSubstr(remedy + (folder / "own").string() + "`"));
}

TEST(GenreFolders, MayHaveNumbersAsNames) {
  const TemporaryFolder folder;
  touch(folder / "123/song.mp3");
  touch(folder / "1990/000002.mp3");
  touch(folder / "456/123456.mp3");
  EXPECT_EQ(open_dataset(folder.path()).labels.size(), 3u);
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
