// Choosing, ordering and writing playlists.
#include "genrewise/library/playlist.hpp"

#include <cmath>
#include <numeric>

#include "genrewise/base/floats.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/storage/files.hpp"
#include "library/catalogue_fixture.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class Playlists : public testing::CatalogueTest {
 protected:
  /// A track with a file of that name, Rock with this confidence.
  CatalogueTrack song(const std::string& name, float confidence, const std::string& artist = "",
                      double duration_s = 60) {
    const fs::path path = folder_ / "music" / name;
    make_folders(path.parent_path());
    write_file(path, name);
    auto made = track(path.string(), {0, 1 - confidence, confidence});
    made.predicted = "Rock", made.confidence = confidence, made.unknown = false;
    made.tags.artist = artist;
    made.duration_s = duration_s;
    made.id = add(made);
    return made;
  }
  std::vector<std::string> chosen(std::vector<CatalogueTrack> tracks, const PlaylistConfig& config) {
    std::vector<std::string> names;
    for (const auto& one : choose_tracks(*catalogue_, std::move(tracks), config)) names.push_back(one.path.filename());
    return names;
  }
  std::string write(const std::string& name, const std::vector<CatalogueTrack>& tracks, std::size_t kept = 0,
                    bool absolute = false) {
    const fs::path path = folder_ / name;
    EXPECT_EQ(write_playlist({path, absolute, true}, "Title", tracks).kept, kept);
    return read_file(path);
  }
};

TEST_F(Playlists, TakesTheFirstWithinTheQuotas) {
  const std::vector tracks{song("a.mp3", 0.5F, "X"), song("b.mp3", 0.9F, "x"), song("c.mp3", 0.7F, "X"),
                           song("d.mp3", 0.6F, "Y"), song("e.mp3", 0.4F),      song("f.mp3", 0.3F)};
  EXPECT_THAT(chosen(tracks, {.per_artist = 1}), ElementsAre("a.mp3", "d.mp3", "e.mp3", "f.mp3"));
  EXPECT_THAT(chosen(tracks, {.limit = 3, .per_artist = 2}), ElementsAre("a.mp3", "b.mp3", "d.mp3"));
  EXPECT_THAT(chosen(tracks, {.max_duration_s = 125}), ElementsAre("a.mp3", "b.mp3"));
}

TEST_F(Playlists, AlbumsHaveQuotasAndLostFilesAreLeftOut) {
  std::vector tracks{song("a.mp3", 0.9F), song("b.mp3", 0.4F), song("c.mp3", 0.8F), song("d.mp3", 0.8F)};
  for (auto& one : tracks) one.tags.album = "Album", one.tags.album_artist = "Various";
  tracks[0].missing = true;
  fs::remove(tracks[1].path);
  EXPECT_THAT(chosen(tracks, {}), ElementsAre("c.mp3", "d.mp3"));
  EXPECT_THAT(chosen(tracks, {.per_album = 1}), ElementsAre("c.mp3"));
}

TEST_F(Playlists, SmoothAndSimilarOrdersFollowTheFeatures) {
  std::vector<CatalogueTrack> tracks;
  for (const int at : {0, 5, 1, 4, 2, 3}) {
    tracks.push_back(song(std::to_string(at), 0.9F));
    const float angle = 0.5F * static_cast<float>(at);
    const float row[] = {std::cos(angle), std::sin(angle)};
    write_features(catalogue_->database(), tracks.back().id, 1, row);
  }
  tracks.push_back(song("none", 0.9F));
  EXPECT_THAT(chosen(tracks, {.smooth = true}), ElementsAre("0", "1", "2", "3", "4", "5", "none"));
  EXPECT_THAT(chosen(tracks, {.limit = 3, .start = tracks[1].id}), ElementsAre("5", "4", "3"));
  EXPECT_THAT(testing::error_message([&] { chosen(tracks, {.start = tracks.back().id}); }), HasSubstr("no features"));
  EXPECT_THAT(testing::error_message([&] { chosen({}, {.start = 999}); }), HasSubstr("no such track"));
}

Matrix points_on_the_sphere(std::size_t count, std::size_t size) {
  Rng rng(3);
  Matrix rows(count, size);
  for (std::size_t i = 0; i < count; ++i) {
    float length = 0;
    for (float& value : rows.row(i)) value = static_cast<float>(rng.normal()), length += value * value;
    for (float& value : rows.row(i)) value /= std::sqrt(length);
  }
  return rows;
}

/// Sum of 1 - cosine between neighbours.
double path_length(const Matrix& rows, const std::vector<std::size_t>& order) {
  double length = 0;
  for (std::size_t i = 1; i < order.size(); ++i)
    length += 1 - static_cast<double>(dot(rows.row(order[i - 1]), rows.row(order[i])));
  return length;
}

TEST(SmoothPath, FollowsACircleFromItsStart) {
  Matrix rows(20, 2);
  for (std::size_t i = 0; i < 20; ++i) {
    const float angle = 0.1F * static_cast<float>(i * 7 % 20);
    rows(i, 0) = std::cos(angle), rows(i, 1) = std::sin(angle);
  }
  std::vector<std::size_t> expected;
  for (std::size_t step = 0; step < 20; ++step) expected.push_back(step * 3 % 20);  // 3 * 7 = 1 modulo 20
  EXPECT_EQ(smooth_path(rows, 0), expected);
}

TEST(SmoothPath, VisitsEveryRowOnceOnAMuchShorterWay) {
  const Matrix rows = points_on_the_sphere(300, 3);
  const auto path = smooth_path(rows, 17);
  EXPECT_EQ(path.front(), 17U);
  std::vector<std::size_t> given(300);
  std::iota(given.begin(), given.end(), 0U);
  auto sorted = path;
  std::ranges::sort(sorted);
  EXPECT_EQ(sorted, given);
  EXPECT_LT(path_length(rows, path), 0.02 * path_length(rows, given));
  EXPECT_THAT(smooth_path(points_on_the_sphere(1, 3), 0), ElementsAre(0U));
}

TEST(SmoothPath, EndsForEqualRows) {
  EXPECT_EQ(smooth_path(Matrix(50, 4, std::vector<float>(200, 0.5F)), 3).size(), 50U);
}

TEST_F(Playlists, M3uHoldsRelativeOrAbsolutePathsWithDurationsAndTitles) {
  auto first = song("Ünï/a b.mp3", 0.9F, "Artist", 61.4);
  first.tags.title = "Song";
  const std::vector tracks{first, song("../#1.mp3", 0.8F, "", 0)};
  const std::string text = write("music/list.m3u8", tracks);
  EXPECT_THAT(text, ::testing::StartsWith("#EXTM3U\n#PLAYLIST:Title\n#GENREWISE:"));
  EXPECT_THAT(text, HasSubstr("\n#EXTINF:61,Artist - Song\nÜnï/a b.mp3\n"));
  EXPECT_THAT(text, HasSubstr("\n#EXTINF:-1,#1\n../#1.mp3\n"));
  EXPECT_THAT(write("list.m3u8", tracks), HasSubstr("\n./#1.mp3\n"));
  EXPECT_THAT(write("list.m3u8", tracks, 0, true), HasSubstr("\n" + first.path.string() + "\n"));
}

TEST_F(Playlists, TitlesAreOneLine) {
  const std::vector tracks{song("a.mp3", 0.9F)};
  for (const char* name : {"list.m3u8", "list.xspf"}) {
    write_playlist({folder_ / name}, "A\r\n#B\x01", tracks);
    EXPECT_THAT(read_file(folder_ / name), HasSubstr("A  #B ")) << name;
  }
}

TEST_F(Playlists, UpdatesKeepWhatAPersonAdded) {
  const auto a = song("a.mp3", 0.9F), b = song("b.mp3", 0.8F), c = song("c.mp3", 0.7F);
  for (const char* name : {"list.m3u8", "list.xspf"}) {
    const bool xspf = fs::path(name).extension() == ".xspf";
    std::string text = write(name, {a, b});
    const std::string own = xspf ? "<track><location>http://radio/live</location><title>R &amp; B</title></track>"
                                   "<track><location>music/c.mp3</location></track></trackList>"
                                 : "#EXTINF:-1,R & B\r\nhttp://radio/live\r\r\nmusic/c.mp3\r\r\r#a remark\n";
    if (xspf) {
      text.replace(text.find("</trackList>"), 12, own);
      text.replace(text.find("<title>"), 0, "<annotation>mine</annotation>");
    } else {
      text += own;
    }
    write_file(folder_ / name, text);
    const std::string updated = write(name, {b}, 2);
    EXPECT_THAT(updated, Not(HasSubstr("a.mp3"))) << name;
    EXPECT_LT(updated.find("b.mp3"), updated.find("http://radio/live"));
    EXPECT_THAT(updated, Not(HasSubstr("\r")));
    EXPECT_THAT(updated, HasSubstr(xspf ? "R &amp; B" : "#EXTINF:-1,R & B\nhttp://radio/live\n"));
    EXPECT_THAT(updated, HasSubstr(xspf ? "<annotation>mine" : "#a remark\n"));
    write(name, {b, c}, 1);  // c.mp3 stays the person's
    EXPECT_THAT(write(name, {b}, 2), HasSubstr("c.mp3"));
  }
}

TEST_F(Playlists, XspfHoldsPercentEncodedUrisAndAnyName) {
  auto odd = song("new\nline \x01 \xff 100%.mp3", 0.9F, "A & B <C>");
  odd.tags.track = 3;
  const std::string text = write("list.xspf", {odd});
  EXPECT_THAT(text, HasSubstr("<location>music/new%0Aline%20%01%20%FF%20100%25.mp3</location>"));
  EXPECT_THAT(text, HasSubstr("<title>new line   \xef\xbf\xbd 100%</title>"));
  EXPECT_THAT(text, HasSubstr("<creator>A &amp; B &lt;C&gt;</creator>"));
  EXPECT_THAT(text, HasSubstr("<duration>60000</duration>"));
  EXPECT_THAT(write("list.xspf", {odd}, 0, true), HasSubstr("<location>file:///"));
  EXPECT_THAT(testing::error_message([&] { write_playlist({folder_ / "list.m3u"}, "", std::vector{odd}); }),
              HasSubstr("write list.xspf"));
}

TEST_F(Playlists, XspfOfOtherProgramsIsKeptInUtf8) {
  write_file(folder_ / "list.xspf",
             "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><playlist version=\"1\"><trackList><track>"
             "<location>http://radio/live</location><title>caf\xE9</title></track></trackList></playlist>");
  const std::string text = write("list.xspf", {song("a.mp3", 0.9F)}, 1);
  EXPECT_THAT(text, HasSubstr("encoding=\"UTF-8\""));
  EXPECT_THAT(text, HasSubstr("<title>caf\xC3\xA9</title>"));
}

TEST_F(Playlists, XspfHoldsFileUrisThatAreDecodedOnce) {
  const auto odd = song("50%20off.mp3", 0.9F);
  write_file(folder_ / "list.xspf", "<playlist><trackList><track><location>file://" +
                                        (folder_ / "music/50%2520off.mp3").string() +
                                        "</location></track></trackList></playlist>");
  write("list.xspf", {odd}, 0);
  EXPECT_THAT(write("list.xspf", {}, 1), HasSubstr("50%2520off.mp3"));  // stays the person's
}

TEST_F(Playlists, RefusesOtherExtensionsAndFilesThatAreNoPlaylists) {
  EXPECT_THAT(testing::error_message([&] { write_playlist({folder_ / "list.txt"}, "", {}); }), HasSubstr(".m3u8"));
  std::string deep = "<playlist><trackList>";
  for (int i = 0; i < 200'000; ++i) deep += "<a>";
  for (int i = 0; i < 200'000; ++i) deep += "</a>";
  for (const std::string& text : {deep + "</trackList></playlist>", std::string("<html/>")}) {
    write_file(folder_ / "list.xspf", text);
    EXPECT_THAT(testing::error_message([&] { write_playlist({folder_ / "list.xspf"}, "", {}); }),
                HasSubstr("not an XSPF"));
  }
  EXPECT_EQ(read_file(folder_ / "list.xspf"), "<html/>");
}

TEST_F(Playlists, PathsAreRightWhereTheFolderIsALink) {
  make_folders(folder_ / "deep/er");
  fs::create_directory_symlink(folder_ / "deep/er", folder_ / "link");
  const std::vector tracks{song("a.mp3", 0.9F)};
  const std::string text = write("link/list.m3u8", tracks);
  EXPECT_TRUE(fs::exists(folder_ / "deep/er" / "../../music/a.mp3"));
  EXPECT_THAT(text, HasSubstr("\n../../music/a.mp3\n"));
  EXPECT_EQ(write("link/list.m3u8", tracks, 0), text);
}

TEST_F(Playlists, GenresHaveFileNamesThatDiffer) {
  std::vector<CatalogueTrack> tracks;
  std::string umlauts = " ";
  for (int i = 0; i < 99; ++i) umlauts += "ä";
  const std::vector<std::string> genres = {"Rock/Pop", "rock-pop", "Drum & Bass", "..", "unknown", umlauts + "äö"};
  for (const std::string& genre : genres) {
    tracks.push_back(song(std::to_string(tracks.size()), 0.9F));
    tracks.back().correction = genre;
  }
  tracks.push_back(song("x", 0.9F));
  tracks.back().unknown = true;
  std::vector<std::string> names;
  for (const auto& playlist : tracks_by_genre(tracks)) names.push_back(playlist.file_name);
  EXPECT_THAT(names, UnorderedElementsAre("Rock-Pop", "rock-pop (2)", "Drum & Bass", "_.", "unknown", umlauts));
}

}  // namespace
}  // namespace genrewise
