#include "genrewise/dataset/genre_map.hpp"

#include <gmock/gmock.h>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using namespace std::string_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Optional;
using testing::TemporaryFolder;

std::vector<std::string> fold(std::vector<std::string> values) {
  return GenreMap::standard().fold(values);
}

class OwnMap : public ::testing::Test {
 protected:
  GenreMap map(const std::string& text) {
    write_file(folder_ / "map.yaml", text);
    return GenreMap(folder_ / "map.yaml");
  }
  std::string error(const std::string& text) {
    return error_message([&] { map(text); });
  }
  TemporaryFolder folder_;
};

TEST(GenreMap, FoldsSpellingsIntoOneGenre) {
  for (const char* spelling : {"Hip Hop", "hiphop", "Hip-Hop/Rap", "Rap/Hip Hop", "HIP HOP MUSIC"})
    EXPECT_THAT(fold({spelling}), ElementsAre("Hip-Hop")) << spelling;
  for (const char* spelling : {"R&B", "RnB", "r'n'b", "R&B/Soul", "Rhythm and Blues"})
    EXPECT_THAT(fold({spelling}), ElementsAre("Soul-RnB")) << spelling;
  EXPECT_THAT(fold({"Électronique"}), ElementsAre("Electronic"));
  EXPECT_THAT(fold({"РОК"}), ElementsAre("Rock"));
}

TEST(GenreMap, SplitsListsButNotNames) {
  EXPECT_THAT(fold({"Rock; Pop"}), ElementsAre("Rock", "Pop"));
  EXPECT_THAT(fold({"Rock/Pop"}), ElementsAre("Rock", "Pop"));
  EXPECT_THAT(fold({"Rock, Pop"}), ElementsAre("Rock", "Pop"));
  EXPECT_THAT(fold({"Jazz\0Funk"s}), ElementsAre("Jazz", "Funk"));  // not Jazz-Funk
  EXPECT_THAT(fold({"Folk|Rock"}), ElementsAre("Folk", "Rock"));    // nor Folk Rock
  EXPECT_THAT(fold({"Drum & Bass"}), ElementsAre("Drum & Bass"));
  EXPECT_THAT(fold({"Drum & Bass/Jungle; Rock"}), ElementsAre("Drum & Bass", "Rock"));
  EXPECT_THAT(fold({"Rock, Folk, World, & Country, Pop"}), ElementsAre("Rock", "International", "Pop"));
  EXPECT_THAT(fold({"Rock", "Rock; ;rock music", "Pop"}), ElementsAre("Rock", "Pop"));
  EXPECT_THAT(fold({"Weird / Core"}), ElementsAre("Weird", "Core"));
}

TEST(GenreMap, TakesWhatStatesNoGenreAsEmpty) {
  for (const char* text :
       {"Other", "unknown", "Misc.", "genre", "255", "1997", "(1997)", "80's", "1990s", "-", "???", ""})
    EXPECT_THAT(fold({text}), IsEmpty()) << text;
  EXPECT_THAT(fold({"Unknown; Jazz; 2001"}), ElementsAre("Jazz"));
  EXPECT_EQ(GenreMap::standard().find("Other"), "");
  EXPECT_EQ(GenreMap::standard().find("Weirdcore"), std::nullopt);
  EXPECT_THAT(fold({"Podcast"}), ElementsAre("Spoken"));
}

TEST(GenreMap, HasAHierarchyUpToFmasTopLevelGenres) {
  const GenreMap& map = GenreMap::standard();
  EXPECT_THAT(map.find("Thrash Metal", true), Optional("Rock"s));
  EXPECT_THAT(map.find("Thrash Metal"), Optional("Thrash"s));
  EXPECT_EQ(map.parents().at("Thrash"), "Hardcore");
  EXPECT_THAT(map.fold(std::vector<std::string>{"House", "Techno", "Weirdcore"}, true),
              ElementsAre("Electronic", "Weirdcore"));
}

TEST(GenreMap, HasEveryGenreOfFmaUnderItsTopLevelGenre) {
  REQUIRE_SHARED(path, "data/fma/genres.csv");
  const std::string text = read_file(path);
  CsvReader csv(text, path.string());
  std::vector<std::string_view> fields;
  csv.next(fields);
  ASSERT_THAT(fields, ElementsAre("genre_id", "#tracks", "parent", "title", "top_level"));
  std::map<std::string, std::pair<std::string, std::string>> genres;
  while (csv.next(fields)) genres[std::string(fields[0])] = {std::string(fields[3]), std::string(fields[4])};
  EXPECT_EQ(genres.size(), 163u);
  for (const auto& [id, genre] : genres)
    EXPECT_THAT(GenreMap::standard().find(genre.first, true), Optional(genres.at(genre.second).first)) << genre.first;
}

TEST_F(OwnMap, TakesPrecedenceOverTheStandardOne) {
  const GenreMap own =
      map("# comment\n"
          "Heavy: {names: [Metal, Punk, \"Noise Rock\"], parent: ~}\n"
          "Weirdcore: [weird, 'odd']\n"
          "Sludge: {parent: Heavy}\n"
          "Calm: ambient\n"
          "Empty:\n"
          "~: [Incoming, Instrumental]\n");
  EXPECT_EQ(own.find("heavy metal"), "Heavy");  // a spelling of a genre that is a spelling now
  EXPECT_EQ(own.find("Black Metal"), "Black Metal");
  EXPECT_EQ(own.find("Black Metal", true), "Heavy");
  EXPECT_EQ(own.find("sludge", true), "Heavy");
  EXPECT_EQ(own.find("ODD"), "Weirdcore");
  EXPECT_EQ(own.find("Ambient music"), "Calm");
  EXPECT_EQ(own.find("empty"), "Empty");
  EXPECT_EQ(own.find("incoming"), "");
  EXPECT_EQ(own.find("Instrumental pop"), "");
  EXPECT_EQ(own.find("Soundtrack", true), "Soundtrack");  // what was its parent states no genre
  EXPECT_EQ(own.find("Jazz-Funk"), "Acid Jazz");          // as before
  EXPECT_EQ(GenreMap::standard().find("Metal"), "Metal");
}

TEST_F(OwnMap, AcceptsSeveralSpellingsThatAreEqualAndAliases) {
  const GenreMap own = map("Hiphop: &all {names: [Hip Hop, hip-hop, HipHop]}\nA: &names [x, y]\nB: {parent: A}\n");
  EXPECT_EQ(own.find("hip hop"), "Hiphop");
  EXPECT_EQ(own.find("Abstract Hip-Hop", true), "Hiphop");
  EXPECT_THAT(error("A: &names [x, y]\nB: *names\n"), HasSubstr("'x' is a name of 'A' and of 'B'"));
}

TEST_F(OwnMap, ReportsLineAndColumnOfAnError) {
  EXPECT_THAT(error("Rock: [a\nPop: [b]\n"), HasSubstr("map.yaml:2"));
  EXPECT_THAT(error("Rock: [a]\nPop: [b, A]\n"),
              AllOf(HasSubstr("map.yaml:2:10"), HasSubstr("'A' is a name of 'Rock'")));
  EXPECT_THAT(error("Rock:\nMetal: {parent: Rokc}\n"), AllOf(HasSubstr("map.yaml:2:17"), HasSubstr("'Rokc'")));
  EXPECT_THAT(error("Rock:\nPop:\nrock:\n"), AllOf(HasSubstr("map.yaml:3:1"), HasSubstr("defined twice")));
  EXPECT_THAT(error("Rock: {name: [a]}\n"), AllOf(HasSubstr("map.yaml:1:8"), HasSubstr("'name'")));
  EXPECT_THAT(error("Rock: [[a]]\n"), AllOf(HasSubstr("map.yaml:1:8"), HasSubstr("a name is expected")));
  EXPECT_THAT(error("Rock: {names: {a: b}}\n"), HasSubstr("a list of names"));
  EXPECT_THAT(error("~: {parent: Rock}\n"), HasSubstr("'parent'"));
  EXPECT_THAT(error("Rock: ['']\n"), HasSubstr("a name is expected"));
}

TEST_F(OwnMap, RefusesCirclesOfParents) {
  EXPECT_THAT(error("A: {parent: B}\nB: {parent: C}\nC: {parent: A}\n"),
              AllOf(HasSubstr("map.yaml:1"), HasSubstr("circle")));
  EXPECT_THAT(error("A: {parent: A}\n"), HasSubstr("circle"));
  EXPECT_THAT(error("Rock: {parent: Death Metal}\n"), HasSubstr("circle"));
  EXPECT_THAT(error("Hardcore: [Rock]\n"), HasSubstr("circle"));  // Hardcore is a part of Punk, and that of Rock
  EXPECT_EQ(map("Rock: {parent: Metal}\nMetal: {parent: ~}\n").find("rock", true), "Metal");
}

TEST_F(OwnMap, RefusesWhatIsNoMap) {
  EXPECT_THAT(error(""), HasSubstr("map.yaml"));
  EXPECT_THAT(error("just text"), HasSubstr("map.yaml"));
  EXPECT_THAT(error("- Rock\n- Pop\n"), HasSubstr("map.yaml"));
  EXPECT_THAT(error("Rock:\n---\nPop:\n"), HasSubstr("map.yaml"));
  EXPECT_THAT(error("Rock & Roll\n, indie`\nMetal: {names: [heavy, doom]}\n"), HasSubstr("map.yaml"));  // ends
  EXPECT_THAT(error("\0\1\2\xff"s), HasSubstr("map.yaml"));
  EXPECT_THAT(error_message([&] { GenreMap(folder_ / "missing.yaml"); }), HasSubstr("missing.yaml"));
}

TEST_F(OwnMap, BoundsWhatAFileCanCost) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 9; ++j) bomb += "*a" + std::to_string(i - 1) + (j == 8 ? "]\n" : ", ");
  }
  EXPECT_THAT(error(bomb), Not("no error"));
  EXPECT_THAT(error("A: " + std::string(500'000, '[')), Not("no error"));
  std::string chain;
  for (int i = 0; i < 20'000; ++i) chain += "g" + std::to_string(i) + ": {parent: g" + std::to_string(i + 1) + "}\n";
  EXPECT_THAT(error(chain + "g20000:\n"), HasSubstr("too many"));
  EXPECT_THAT(error("A: [" + std::string(1 << 20, 'x') + "]"), HasSubstr("1 MiB"));
}

TEST(GenreMap, SplitsALongValueInBoundedTime) {
  std::string list;
  for (int i = 0; i < 100'000; ++i) list += "x;/,";
  EXPECT_THAT(fold({list}), ElementsAre("x"));
}

}  // namespace
}  // namespace genrewise
