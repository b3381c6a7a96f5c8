#include "genrewise/library/query.hpp"

#include <ctime>
#include <set>

#include "catalogue_fixture.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using testing::CatalogueTest;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr std::int64_t kNow_s = 1'800'000'000, kDay_s = 86400;

class QueryTest : public CatalogueTest {
 protected:
  /// Names of the matching tracks, by path.
  std::string found(const std::string& query) {
    std::string names;
    for (const CatalogueTrack& track : find_tracks(*catalogue_, parse_query(query, kNow_s)))
      names += track.path.filename().string();
    return names;
  }
  CatalogueTrack named(const std::string& name) { return track("/m/" + name, {0, 0, 1}); }
  void add_all(std::vector<CatalogueTrack> tracks) {
    for (const CatalogueTrack& track : tracks) add(track);
  }
};

TEST_F(QueryTest, SelectsByGenreOfPredictionCorrectionAndUnknown) {
  add(track("/m/a", {0, 0, 1}));
  add(track("/m/b", {0, 1, 0}));
  add(track("/m/c", {0.34f, 0.33f, 0.33f}));
  CatalogueTrack corrected = track("/m/d", {0, 0, 1});
  corrected.correction = "Hip-Hop";
  add(corrected);
  add(track("/m/e"));
  EXPECT_EQ(found("genre:Rock"), "a");
  EXPECT_EQ(found("genre:rock,POP"), "ab");
  EXPECT_EQ(found("genre:hip-hop"), "d");
  EXPECT_EQ(found("genre:unknown"), "c");
  EXPECT_EQ(found("genre:\"\""), "e");
  EXPECT_EQ(found("-genre:Rock"), "bcde");
  EXPECT_EQ(found("predicted:rock"), "ad");
  EXPECT_EQ(found("correction:hip-hop"), "d");
  EXPECT_EQ(found("corrected:yes"), "d");
  EXPECT_EQ(found("unknown:yes"), "c");
  EXPECT_EQ(found("analysed:no"), "e");
  EXPECT_EQ(found("genre:Roc"), "");
  EXPECT_EQ(found(""), "abcde");
  EXPECT_EQ(count_tracks(*catalogue_, parse_query("-genre:Rock", kNow_s)), 4u);
}

TEST_F(QueryTest, SelectsByTextWithoutRegardToCase) {
  CatalogueTrack a = named("a"), b = named("b"), c = named("c");
  a.tags = {{"Post Rock", "Ambient"}, "Sigur Rós", "", "Ágætis byrjun", "Svefn-g-englar", 0, 0};
  b.tags = {{}, "Кино", "Various", "Группа крови", "Earth, Wind & Fire", 0, 0};
  c.tags = {{}, "", "Sigur", "", "100% \"pure\" a\\b", 0, 0};
  c.fault = "damaged";
  add_all({a, b, c});
  EXPECT_EQ(found("artist:SIGUR"), "ac");
  EXPECT_EQ(found("artist:=sigur"), "c");
  EXPECT_EQ(found("artist:\"sigur RÓS\""), "a");
  EXPECT_EQ(found("artist:КИНО"), "b");
  EXPECT_EQ(found("artist:\"\""), "ac");
  EXPECT_EQ(found("album:ÁGÆTIS"), "a");
  EXPECT_EQ(found("tag:ambient"), "a");
  EXPECT_EQ(found("fault:damaged"), "c");
  EXPECT_EQ(found("title:\"earth, wind\""), "b");
  EXPECT_EQ(found("title:svefn,wind"), "ab");
  EXPECT_EQ(found("Earth,"), "b");
  EXPECT_EQ(found("byrjun sigur"), "a");
  EXPECT_EQ(found("-sigur"), "b");
  EXPECT_EQ(found("title:\"\\\"pure\\\" a\\\\b\""), "c");
  EXPECT_EQ(found("title:%"), "c");
  EXPECT_EQ(found("path:/m/"), "abc");
  EXPECT_EQ(found("\"genre:Rock\""), "");
}

TEST_F(QueryTest, ANegatedTermIsNoOption) {
  add_all({named("a"), named("b")});
  EXPECT_EQ(found("!path:/a"), "b");
  EXPECT_TRUE(is_negated_term("-artist:Bach") && is_negated_term("-GENRE:"));
  for (const char* word : {"-artist", "--artist:x", "artist:x", "-q", "-mgenre:x", "", "-"})
    EXPECT_FALSE(is_negated_term(word)) << word;
}

TEST_F(QueryTest, TextOfSqlIsText) {
  CatalogueTrack a = named("a");
  a.tags.artist = "x' OR '1'='1";
  add_all({a, named("b")});
  EXPECT_EQ(found("artist:\"x' OR '1'='1\""), "a");
  for (const char* text : {"'; DROP TABLE tracks; \"--\"", "\"\\\"); DELETE FROM tracks; --\"", "genre:\"' OR 1=1 --\"",
                           "x'%_*?", "artist:=\"'\""})
    EXPECT_EQ(found(text), "") << text;
  EXPECT_EQ(found("missing:no"), "ab");
}

TEST_F(QueryTest, ComparesNumbers) {
  CatalogueTrack a = track("/m/a", {0.5, 0.25, 0.25}), b = named("b"), c = track("/m/c");
  a.novelty = 1.5;
  b.novelty = 0.5;
  a.tags.year = 1990;
  b.tags.year = 2001;
  a.tags.track = 3;
  a.duration_s = 210;
  b.duration_s = 61;
  a.bytes = 12'000'000;
  add_all({a, b, c});
  EXPECT_EQ(found("confidence:>0.6"), "b");
  EXPECT_EQ(found("confidence:<0.6"), "a");
  EXPECT_EQ(found("confidence:0.4..0.5"), "a");
  EXPECT_EQ(found("confidence:1"), "b");
  EXPECT_EQ(found("-confidence:>0.6"), "ac");
  EXPECT_EQ(found("novelty:>1"), "a");
  EXPECT_EQ(found("-novelty:>1"), "bc");
  EXPECT_EQ(found("year:<2000"), "a");
  EXPECT_EQ(found("year:1990,2001"), "ab");
  EXPECT_EQ(found("track:=3"), "a");
  EXPECT_EQ(found("duration:3:30"), "a");
  EXPECT_EQ(found("duration:>3m"), "a");
  EXPECT_EQ(found("duration:<=61s"), "b");
  EXPECT_EQ(found("duration:<1h"), "ab");
  EXPECT_EQ(found("duration:1:00..0:01:02"), "b");
  EXPECT_EQ(found("size:>10M"), "a");
  EXPECT_EQ(found("size:<=1K"), "bc");
}

TEST_F(QueryTest, ComparesAgesAndDates) {
  const auto on = [](int year, int month, int day) {
    std::tm time{};
    time.tm_year = year - 1900;
    time.tm_mon = month - 1;
    time.tm_mday = day;
    time.tm_hour = 12;
    time.tm_isdst = -1;
    return std::mktime(&time);
  };
  CatalogueTrack a = named("a"), b = named("b"), c = named("c");
  a.added_s = kNow_s - 10 * kDay_s;
  b.added_s = kNow_s - 40 * kDay_s;
  c.added_s = on(2024, 12, 31);
  a.modified_ns = on(2020, 2, 29) * 1'000'000'000LL;
  add_all({a, b, c});
  EXPECT_EQ(found("added:<30d"), "a");
  EXPECT_EQ(found("added:>30d"), "bc");
  EXPECT_EQ(found("added:1w..6w"), "ab");
  EXPECT_EQ(found("added:>1y"), "c");
  EXPECT_EQ(found("added:<24h"), "");
  EXPECT_EQ(found("added:2024-12-31"), "c");
  EXPECT_EQ(found("added:2024"), "c");
  EXPECT_EQ(found("added:>2024"), "ab");
  EXPECT_EQ(found("added:<2025-01"), "c");
  EXPECT_EQ(found("added:<=2024-12"), "c");
  EXPECT_EQ(found("added:2024-12..2024-12-31"), "c");
  EXPECT_EQ(found("modified:2020-02"), "a");
  EXPECT_TRUE(parse_query("genre:Rock -added:1w..6w", kNow_s).ages);
  EXPECT_FALSE(parse_query("added:2024 duration:<1h", kNow_s).ages);
}

TEST_F(QueryTest, LeavesMissingTracksOutUnlessTheyAreAskedFor) {
  CatalogueTrack gone = named("b");
  gone.missing = true;
  add_all({named("a"), gone});
  EXPECT_EQ(found(""), "a");
  EXPECT_EQ(found("missing:yes"), "b");
  EXPECT_EQ(found("missing:yes,no"), "ab");
}

TEST_F(QueryTest, StatesWhatIsWrongAndWhere) {
  const auto problem = [](const char* query) { return error_message([&] { parse_query(query, kNow_s); }); };
  EXPECT_THAT(problem("ä gnre:Rock"), AllOf(HasSubstr("position 3"), HasSubstr("\"gnre\""), HasSubstr("genre, ")));
  EXPECT_THAT(problem("a \"b c"), AllOf(HasSubstr("position 3"), HasSubstr("not closed")));
  EXPECT_THAT(problem("genre:"), HasSubstr("value is missing"));
  EXPECT_THAT(problem("genre:Rock,"), HasSubstr("value is missing"));
  EXPECT_THAT(problem("a - b"), AllOf(HasSubstr("position 3"), HasSubstr("minus")));
  EXPECT_THAT(problem("-"), HasSubstr("minus"));
  EXPECT_THAT(problem("--a"), HasSubstr("minus"));
  EXPECT_THAT(problem("missing:maybe"), HasSubstr("missing:yes"));
  for (const char* term : {"confidence:high", "confidence:>", "year:19x", "confidence:nan", "confidence:0.1..",
                           "duration:3:x", "size:10Q", "added:yesterday", "added:2024-13", "added:24", "added:<"})
    EXPECT_THAT(problem(term), AllOf(HasSubstr("cannot be"), HasSubstr("write "))) << term;
}

TEST_F(QueryTest, OrdersAndLimits) {
  CatalogueTrack a = track("/m/a", {0.6f, 0.2f, 0.2f}), b = named("b"), c = track("/m/c", {0.8f, 0.1f, 0.1f});
  a.tags.artist = "z";
  add_all({c, a, b});
  const auto names = [&](const QueryOrder& order) {
    std::string text;
    for (const CatalogueTrack& track : find_tracks(*catalogue_, {}, order)) text += track.path.filename().string();
    return text;
  };
  EXPECT_EQ(names({}), "abc");
  EXPECT_EQ(names({.key = QueryOrder::Key::confidence, .descending = true, .limit = 2}), "bc");
  EXPECT_EQ(names({.key = QueryOrder::Key::artist}), "bca");
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 20; ++seed) orders.insert(names({.key = QueryOrder::Key::random, .seed = seed}));
  EXPECT_GT(orders.size(), 3u);
  EXPECT_EQ(names({.key = QueryOrder::Key::random, .limit = 2}).size(), 2u);
  EXPECT_EQ(names({.limit = 1, .offset = 1}), "b");
  EXPECT_EQ(names({.offset = 2}), "c");
  EXPECT_EQ(names({.offset = 9}), "");
  const std::string all = names({.key = QueryOrder::Key::random, .seed = 4});
  EXPECT_EQ(names({.key = QueryOrder::Key::random, .seed = 4, .limit = 1, .offset = 1}), all.substr(1, 1));
  EXPECT_EQ(names({.key = QueryOrder::Key::random, .offset = 9}), "");
}

TEST_F(QueryTest, NamesOrders) {
  EXPECT_EQ(parse_order("path").key, QueryOrder::Key::path);
  EXPECT_FALSE(parse_order("genre").descending);
  EXPECT_EQ(parse_order("random").key, QueryOrder::Key::random);
  for (const char* name : {"confidence", "novelty", "added"}) EXPECT_TRUE(parse_order(name).descending) << name;
  EXPECT_THROW(parse_order("colour"), UsageError);
}

TEST_F(QueryTest, SelectsPathsAndFoldersWithinAQuery) {
  const auto root = folder_.path().string();
  CatalogueTrack gone = track(root + "/a/gone.mp3", {0, 0, 1});
  gone.missing = true;
  add_all({track(root + "/a/1.mp3", {0, 0, 1}), track(root + "/a/x/2.mp3", {1, 0, 0}), track(root + "/b.mp3"),
           track(root + "/a!/3.mp3"), gone});
  const auto names = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> list;
    for (const CatalogueTrack& track : select_tracks(*catalogue_, arguments)) list.push_back(track.path.filename());
    return list;
  };
  EXPECT_THAT(names({}), UnorderedElementsAre("1.mp3", "2.mp3", "3.mp3", "b.mp3"));
  EXPECT_THAT(names({root + "/a"}), ElementsAre("1.mp3", "2.mp3"));
  EXPECT_THAT(names({root + "/a/", root + "/b.mp3"}), ElementsAre("1.mp3", "2.mp3", "b.mp3"));
  EXPECT_THAT(names({root + "/a", "genre:Rock"}), ElementsAre("1.mp3"));
  EXPECT_THAT(names({"genre:Rock", "-1.mp3"}), IsEmpty());
  EXPECT_THAT(names({"genre:Rock," + std::string(300, 'x')}), ElementsAre("1.mp3"));  // too long for a path
  EXPECT_THAT(names({root + "/a/gone.mp3"}), ElementsAre("gone.mp3"));
  EXPECT_THAT(names({root + "/a", "missing:yes"}), ElementsAre("gone.mp3"));
  write_file(folder_ / "new.mp3", "x");
  EXPECT_THAT(error_message([&] { names({root + "/new.mp3"}); }), HasSubstr("genrewise library scan"));
}

TEST_F(QueryTest, TakesThousandsOfWordsAndPaths) {
  add_all({named("a"), named("b")});
  std::string words, alternatives = "genre:Rock";
  std::vector<std::string> paths;
  for (int i = 0; i < 2000; ++i) {
    words += "a ";
    alternatives += ",x";
    paths.push_back(i % 2 == 0 ? "/m/a" : "/m");
  }
  EXPECT_EQ(found(words), "a");
  EXPECT_EQ(found(alternatives), "ab");
  EXPECT_EQ(select_tracks(*catalogue_, paths, {}).size(), 2u);
  for (int i = 0; i < 4; ++i) words += words;
  EXPECT_THAT(error_message([&] { found(words); }), HasSubstr("30000 are possible"));
}

TEST_F(QueryTest, PoolsTheEvidenceOfAlbumsAndArtists) {
  CatalogueTrack one = track("/m/x/1", {0.6f, 0.2f, 0.2f}), two = track("/m/x/2", {0.1f, 0.1f, 0.8f}),
                 three = track("/m/x/3", {0.9f, 0, 0.1f}), other = track("/m/y/1", {0, 1, 0});
  for (CatalogueTrack* track : {&one, &two, &three, &other}) track->tags.artist = "Ann";
  one.tags.album = two.tags.album = three.tags.album = "Debut";
  three.correction = "Zouk";
  add_all({one, two, three, other, track("/m/z/1")});
  const auto albums = group_tracks(*catalogue_, find_tracks(*catalogue_, {}), GroupBy::album);
  ASSERT_EQ(albums.size(), 3u);
  EXPECT_EQ(albums[0].album, "Debut");
  EXPECT_EQ(albums[0].tracks.size(), 3u);
  ASSERT_EQ(albums[0].genres.size(), 4u);
  EXPECT_THAT(albums[0].genres[0].second, ::testing::DoubleNear(1.0 / 3, 1e-3));
  EXPECT_EQ(albums[0].folder, "/m/x");
  EXPECT_EQ(albums[1].album, "y");
  EXPECT_EQ(albums[1].folder, "/m/y");
  EXPECT_THAT(albums[1].genres[0], Pair("Pop", 1));
  EXPECT_THAT(albums[2].genres, IsEmpty());
  const auto artists =
      group_tracks(*catalogue_, find_tracks(*catalogue_, parse_query("artist:ann -path:/3")), GroupBy::artist);
  ASSERT_EQ(artists.size(), 1u);
  EXPECT_EQ(artists[0].folder, "");
  EXPECT_EQ(artists[0].genres[0].first, "Pop");
  EXPECT_THAT(artists[0].outliers, ElementsAre(0, 1));
}

}  // namespace
}  // namespace genrewise
