#include <gmock/gmock.h>

#include <map>

#include "dataset_fixture.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/dataset/genres.hpp"
#include "genrewise/dataset/split.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TemporaryFolder;
using testing::touch;

using Fields = std::vector<std::pair<std::string, std::string>>;

class Tagged : public ::testing::Test {
 protected:
  /// A FLAC file without audio, with Vorbis comments.
  void put(const std::string& name, const Fields& fields) {
    const auto number = [](std::size_t value, int bytes, bool little) {
      std::string text;
      for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * (little ? i : bytes - 1 - i));
      return text;
    };
    std::string comments = number(1, 4, true) + "t" + number(fields.size(), 4, true);
    for (const auto& [field, value] : fields) {
      const std::string line = field + "=" + value;
      comments += number(line.size(), 4, true) + line;
    }
    const std::string info = number(4096, 2, false) + number(4096, 2, false) + std::string(6, '\0') +
                             std::string("\x0a\xc4\x40\xf0", 4) + std::string(20, '\0');  // 44.1 kHz, mono, 16 bits
    make_folders((folder_ / name).parent_path());
    write_file(folder_ / name, "fLaC" + number(0, 1, false) + number(info.size(), 3, false) + info +
                                   number(0x84, 1, false) + number(comments.size(), 3, false) + comments);
  }
  void put(const std::string& name, const std::string& genre, const std::string& artist = "",
           const std::string& album = "", const std::string& album_artist = "") {
    put(name, Fields{{"GENRE", genre}, {"ARTIST", artist}, {"ALBUM", album}, {"ALBUMARTIST", album_artist}});
  }
  Dataset open(const DatasetOptions& options = {.labels = LabelSource::tags}) {
    return open_dataset(folder_.path(), options);
  }
  const Track& track(const Dataset& dataset, const std::string& id) {
    const auto found = std::ranges::find(dataset.tracks, id, &Track::id);
    if (found == dataset.tracks.end()) throw Error("no such track", id);
    return *found;
  }
  std::string kind(const DatasetOptions& options = {}) { return open(options).kind; }
  TemporaryFolder folder_;
};

TEST_F(Tagged, TakesGenreArtistAlbumAndTitleFromTags) {
  put("Some Artist/Some Album/01.flac",
      {{"GENRE", "hip hop"}, {"ARTIST", "Some Artist"}, {"ALBUM", "Some Album"}, {"TITLE", "A Title"}});
  put("b.flac", "Jazz", "B");
  touch(folder_ / "Some Artist/cover.jpg");
  const Dataset dataset = open();
  EXPECT_EQ(dataset.kind, "tags");
  EXPECT_EQ(dataset.name, folder_.path().filename());
  EXPECT_THAT(dataset.labels, ElementsAre("Hip-Hop", "Jazz"));
  const Track& one = track(dataset, "Some Artist/Some Album/01.flac");
  EXPECT_EQ(dataset.labels[static_cast<std::size_t>(one.label)], "Hip-Hop");
  EXPECT_EQ(one.artist, "Some Artist");
  EXPECT_THAT(one.album, HasSubstr("Some Album"));
  EXPECT_EQ(one.title, "A Title");
  EXPECT_EQ(track(dataset, "b.flac").title, "b");
  EXPECT_EQ(open_dataset(folder_ / "", {.labels = LabelSource::tags}).tracks[0].id, one.id);
  EXPECT_THAT(dataset.notes, IsEmpty());
}

TEST_F(Tagged, TakesTheFirstGenreThatTheMapHasAndReportsIt) {
  put("a.flac", Fields{{"GENRE", "Zeuhl"}, {"GENRE", "Jazz"}, {"GENRE", "Rock"}});
  put("b.flac", "ZEUHL; weird");
  put("c.flac", "zeuhl");
  put("d.flac", "Rock");
  const Dataset dataset = open();
  EXPECT_THAT(dataset.labels, ElementsAre("Jazz", "Rock", "ZEUHL"));
  EXPECT_EQ(track(dataset, "b.flac").label, track(dataset, "c.flac").label);  // one genre, as first spelt
  EXPECT_THAT(dataset.notes, ElementsAre(HasSubstr("2 tracks have several genres"),
                                         AllOf(HasSubstr("1 genres are not in the map"), HasSubstr("ZEUHL (2)"))));
}

TEST_F(Tagged, RejectsTracksWithoutGenreWithTheirTag) {
  put("a.flac", "Rock");
  put("b.flac", "Other");
  put("c.flac", Fields{});
  touch(folder_ / "d.mp3");
  const Dataset dataset = open();
  EXPECT_EQ(dataset.tracks.size(), 1u);
  EXPECT_EQ(counts_text(dataset.rejected), "2 no genre, 1 empty file");
  EXPECT_THAT(to_string(dataset.rejected[0]), AllOf(HasSubstr("b.flac"), HasSubstr("'Other'")));
  EXPECT_EQ(open({.keep_unlabelled = true, .labels = LabelSource::tags}).tracks.size(), 3u);
}

TEST_F(Tagged, GroupsByAlbumArtistAndTellsEqualAlbumsApart) {
  put("x/1.flac", "Rock", "A feat. B", "Greatest Hits", "A");
  put("x/2.flac", "Rock", "a", "Greatest Hits", "a");
  put("y/1.flac", "Rock", "C", "Greatest Hits", "C");
  put("mix/1.flac", "Rock", "D", "Hits of 1999", "Various Artists");
  put("mix/2.flac", "Rock", "E; F", "Hits of 1999", "VA");
  put("z/1.flac", "Rock", "G", "Greatest Hits");
  put("w/1.flac", "Rock", "H", "Greatest Hits");
  put("bare/1.flac", "Rock");
  put("bare/2.flac", "Rock", "Unknown Artist", "Unknown Album");
  put("bare.flac", "Rock");
  const Dataset dataset = open();
  const auto artist = [&](const std::string& id) { return track(dataset, id).artist; };
  const auto album = [&](const std::string& id) { return track(dataset, id).album; };
  EXPECT_EQ(artist("x/1.flac"), artist("x/2.flac"));
  EXPECT_EQ(album("x/1.flac"), album("x/2.flac"));
  EXPECT_NE(album("x/1.flac"), album("y/1.flac"));
  EXPECT_EQ(artist("mix/1.flac"), "D");
  EXPECT_EQ(artist("mix/2.flac"), "E");
  EXPECT_EQ(album("mix/1.flac"), album("mix/2.flac"));
  EXPECT_NE(album("z/1.flac"), album("w/1.flac"));
  EXPECT_EQ(artist("bare/2.flac"), "");
  EXPECT_EQ(album("bare/1.flac"), "bare");
  EXPECT_EQ(album("bare/2.flac"), "bare");
  EXPECT_EQ(album("bare.flac"), "");
}

TEST_F(Tagged, UsesTheOwnersMapAndTopLevelGenres) {
  put("a.flac", "Zeuhl");
  put("b.flac", "Thrash Metal");
  write_file(folder_ / "map.yaml", "Prog: [zeuhl]\n");
  EXPECT_THAT(open({.labels = LabelSource::tags, .genre_map = folder_ / "map.yaml"}).labels,
              ElementsAre("Prog", "Thrash"));
  EXPECT_THAT(open({.labels = LabelSource::tags, .top_genres = true}).labels, ElementsAre("Rock", "Zeuhl"));
}

TEST_F(Tagged, AreRecognisedByFoldersOfArtists) {
  for (const char* artist : {"ABBA", "Beatles, The", "Café Tacvba", "Motörhead"}) {
    const std::string tag = artist == std::string("Beatles, The") ? "The Beatles" : artist;
    put(std::string(artist) + "/Album/1.flac", "Rock", tag, "Album");
  }
  put("Compilations/Hits/1.flac", "Pop", "X", "Hits");
  const Dataset dataset = open({});
  EXPECT_EQ(dataset.kind, "tags");
  EXPECT_THAT(dataset.notes, Contains(AllOf(HasSubstr("artists or albums"), HasSubstr("--labels folders"))));
  const Dataset folders = open({.labels = LabelSource::folders});
  EXPECT_EQ(folders.kind, "folder");
  EXPECT_THAT(folders.labels, Contains("ABBA"));
  EXPECT_THAT(folders.notes, IsEmpty());
}

TEST_F(Tagged, AreRecognisedByFoldersOfAlbumsAndOfArtistsWithAlbums) {
  put("[1973] First/1.flac", "Rock", "A", "First");
  put("[1975] Second/1.flac", "Rock", "A", "Second");
  put("B - Third/1.flac", "Rock", "B", "Third");
  EXPECT_EQ(kind(), "tags");
}

TEST_F(Tagged, AreRecognisedByFoldersThatHoldSeveralGenres) {
  for (const char* letter : {"A", "B", "C"})
    for (const char* genre : {"Rock", "Jazz", "Hip-Hop"})
      put(std::string(letter) + "/" + genre + "/1.flac", genre, std::string("Someone of ") + genre);
  const Dataset dataset = open({});
  EXPECT_EQ(dataset.kind, "tags");
  EXPECT_THAT(dataset.notes, Contains(HasSubstr("not named like the genres")));
}

TEST_F(Tagged, AreRecognisedByFoldersThatShareAFewGenres) {
  for (int year = 1990; year < 1996; ++year)
    put(std::to_string(year) + "/1.flac", year % 2 ? "Rock" : "Jazz", "Someone");
  EXPECT_EQ(kind(), "tags");
}

TEST_F(Tagged, AreNotTakenForFoldersOfTheOwnersGenres) {
  for (const auto& [own, genre] :
       std::map<std::string, std::string>{{"Calm", "Ambient"}, {"Loud", "Metal"}, {"Old", "Swing"}})
    for (const char* artist : {"X", "Y"}) put(own + "/" + artist + ".flac", genre, artist);
  EXPECT_EQ(kind(), "folder");
}

TEST_F(Tagged, AreRecognisedWithoutSubFolders) {
  put("1.flac", "Rock");
  put("2.flac", "Pop");
  EXPECT_EQ(kind(), "tags");
}

TEST_F(Tagged, AreNotTakenForGenreFolders) {
  // Genre folders with artists and albums in them, whose tags are more precise or wrong.
  for (const char* genre : {"Rock", "Jazz", "Hip Hop", "My Own"})
    for (int i = 0; i < 4; ++i)
      put(std::string(genre) + "/Artist" + std::to_string(i) + "/1.flac", i % 2 ? "Indie" : "Other",
          "Artist" + std::to_string(i), "Album");
  EXPECT_EQ(kind(), "folder");
}

TEST_F(Tagged, AreNotTakenForFoldersOfAnArtistUnlessMostFilesAreByThem) {
  for (const char* name : {"Calm", "Loud"})
    for (const char* artist : {name, "X"}) put(std::string(name) + "/" + artist + ".flac", "", artist);
  EXPECT_EQ(kind(), "folder");
  for (const char* name : {"Calm", "Loud"}) put(std::string(name) + "/3.flac", "", name);
  EXPECT_THAT(error_message([&] { kind(); }), HasSubstr("the sub-folders are artists or albums"));
}

TEST_F(Tagged, AreNotTakenForGenreFoldersWithoutTags) {
  touch(folder_ / "ABBA/1.mp3");
  touch(folder_ / "Beatles/1.mp3");
  put("Rock/1.flac", Fields{});
  EXPECT_EQ(kind(), "folder");
}

TEST_F(Tagged, AreNotTakenForFmasClips) {
  for (const char* id : {"000/000002", "000/000005", "001/001001", "001/001002"})
    put(std::string("fma_small/") + id + ".mp3", id[6] == '2' ? "Rock" : "Jazz", "Someone");
  EXPECT_THAT(error_message([&] { open_dataset(folder_ / "fma_small"); }), HasSubstr("fma_metadata/tracks.csv"));
}

TEST_F(Tagged, StateTheRemedyIfNoFileHasAGenre) {
  for (const char* artist : {"ABBA", "Beatles", "Cream"}) put(std::string(artist) + "/1.flac", "", artist, "Album");
  EXPECT_THAT(error_message([&] { open({}); }), AllOf(HasSubstr("3 no genre"), HasSubstr("artists or albums"),
                                                      HasSubstr("--labels folders"), HasSubstr("genrewise predict")));
}

TEST_F(Tagged, ReadASampleOfALargeCollectionToDecide) {
  for (int artist = 0; artist < 60; ++artist)
    for (int i = 0; i < 5; ++i) {
      const std::string name = "Artist " + std::to_string(artist);
      put(name + "/" + std::to_string(i) + ".flac", "Rock", name);
    }
  const Dataset dataset = open({});
  EXPECT_EQ(dataset.kind, "tags");
  EXPECT_EQ(dataset.tracks.size(), 300u);
}

TEST_F(Tagged, OptionsThatDoNotApplyAreNamed) {
  put("Rock/1.flac", "Rock");
  write_file(folder_ / "list.csv", "path,genre\nRock/1.flac,Rock\n");
  const auto where = [&](const std::string& location, const DatasetOptions& options) {
    try {
      open_dataset(folder_ / location, options);
    } catch (const UsageError& error) {
      return error.where();
    }
    return std::string("no error");
  };
  EXPECT_EQ(where("list.csv", {.labels = LabelSource::tags}), "--labels");
  EXPECT_EQ(where("list.csv", {.genre_map = "map.yaml"}), "--map");
  EXPECT_EQ(where("list.csv", {.top_genres = true}), "--top-genres");
  std::filesystem::remove(folder_ / "list.csv");
  EXPECT_EQ(where("", {.genre_map = "map.yaml"}), "--map");
  EXPECT_EQ(where("", {.fma_subset = "small", .labels = LabelSource::tags}), "--subset");
  EXPECT_EQ(where("", {.labels = LabelSource::folders}), "no error");
}

TEST_F(Tagged, SmallGenresCountAsTheGenreThatTheyAreAPartOf) {
  const auto add = [&](const std::string& genre, int artists) {
    for (int i = 0; i < artists; ++i) put(genre + std::to_string(i) + ".flac", genre, genre + std::to_string(i));
  };
  add("Thrash", 1);       // Hardcore, Punk, Rock
  add("Hardcore", 2);     // 3 with Thrash
  add("Black Metal", 2);  // Metal, Rock
  add("Jazz", 4);
  add("Weirdcore", 2);
  const Dataset dataset = open();
  const GenreSelection selection =
      select_genres(subjects_of(dataset), {.min_groups = 3, .by_artist = true, .parents = dataset.parents});
  EXPECT_THAT(selection.labels, ElementsAre("Hardcore", "Jazz"));
  EXPECT_THAT(selection.notes,
              ElementsAre(AllOf(HasSubstr("Thrash as Hardcore (1 groups, 1 examples)"),
                                HasSubstr("Black Metal as Metal"), HasSubstr("Metal as Rock (2 groups, 2 examples)")),
                          AllOf(HasSubstr("left out"), HasSubstr("Rock (2 groups"), HasSubstr("Weirdcore"))));
  const GenreSelection all = select_genres(subjects_of(dataset), {.min_groups = 1, .parents = dataset.parents});
  EXPECT_EQ(all.labels, dataset.labels);
  EXPECT_THAT(all.notes, IsEmpty());
}

}  // namespace
}  // namespace genrewise
