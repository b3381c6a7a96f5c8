// A person's music in folders of artists, with genres in the tags, from the command line.
#include <gmock/gmock.h>

#include <fmt/format.h>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "audio/ffmpeg_program.hpp"
#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/models/model.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kArtists = 5;  // of each genre, with two tracks each
const std::map<std::string, std::vector<std::string>> kSpellings = {
    {"clicks", {"Drum & Bass", "DnB", "drum'n'bass/Weird"}},
    {"noise", {"Zeuhl", "ZEUHL"}},
    {"tones", {"jazz", "Jazz"}}};

class TaggedCollection : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    home_ = new TemporaryFolder();
    if (!has_ffmpeg_program()) return;
    for (const auto& [sound, spellings] : kSpellings)
      for (int artist = 0; artist < kArtists; ++artist)
        for (int i = 0; i < 2; ++i)
          add(sound, spellings[static_cast<std::size_t>(artist + i) % spellings.size()],
              fmt::format("The {} {}", sound, artist), i);
    add("noise", "Other", "Nobody", 1);
  }
  static void TearDownTestSuite() { delete home_; }
  static void add(const std::string& sound, const std::string& genre, const std::string& artist, int number) {
    const fs::path folder = music() / artist / "Greatest Hits", wav = *home_ / "made.wav";
    make_folders(folder);
    write_file(wav, made_wav(sound, static_cast<int>(name_key(artist).back()) + 40 * number, 2));
    ASSERT_TRUE(make_with_ffmpeg(fmt::format("-i '{}' -metadata \"genre={}\" -metadata 'artist={}' "
                                             "-metadata 'album=Greatest Hits' -id3v2_version 3",
                                             wav.string(), genre, artist),
                                 folder / fmt::format("{} {}.{}", artist, number, number == 0 ? "flac" : "mp3")));
  }
  static fs::path music() { return *home_ / "Music"; }
  std::string file(const std::string& name) { return folder_ / name; }
  void SetUp() override { REQUIRE_FFMPEG(); }

  static TemporaryFolder* home_;
  TemporaryFolder folder_;
};
TemporaryFolder* TaggedCollection::home_ = nullptr;

TEST_F(TaggedCollection, IsInspectedWithItsOwnGenresAndTheReasonIsGiven) {
  const Ran ran = run_program({"inspect", music(), "--json"});
  EXPECT_EQ(ran.code, 3) << ran.err;  // the track without a genre
  EXPECT_THAT(ran.err, AllOf(HasSubstr("because the sub-folders are artists or albums"), HasSubstr("--labels folders"),
                             HasSubstr("tracks have several genres"), HasSubstr("not in the map"), HasSubstr("Zeuhl")));
  const json found = json::parse(ran.out);
  EXPECT_EQ(found["kind"], "tags");
  EXPECT_EQ(found["clips"], 30);
  EXPECT_EQ(found["artists"], 15);
  EXPECT_EQ(found["albums"], 15);
  EXPECT_EQ(found["counts"]["no genre"], 1);
  std::vector<std::string> genres;
  for (const json& genre : found["genres"]) genres.push_back(genre["genre"]);
  EXPECT_THAT(genres, ElementsAre("Drum & Bass", "Jazz", "Zeuhl"));
}

TEST_F(TaggedCollection, IsSplitWithoutAnArtistInTwoParts) {
  const Ran ran = run_program({"split", music(), "-o", file("split.csv"), "--json"});
  EXPECT_EQ(ran.code, 3) << ran.err;
  const json split = json::parse(ran.out);
  EXPECT_EQ(split["scheme"], "grouped");
  EXPECT_THAT(split["notes"].dump(), HasSubstr("artists or albums"));
  std::map<std::string, std::set<std::string>> parts;
  for (const std::string& row : split_text(read_file(file("split.csv")), '\n')) {
    const std::size_t comma = row.rfind(',');
    if (row.starts_with("The ")) parts[row.substr(0, row.find('/'))].insert(row.substr(comma + 1));
  }
  EXPECT_EQ(parts.size(), 15u);
  for (const auto& [artist, its_parts] : parts) EXPECT_EQ(its_parts.size(), 1u) << artist;
}

TEST_F(TaggedCollection, TeachesAModelTheOwnersGenres) {
  const Ran trained =
      run_program({"train", music(), "--features", "mfcc", "--model", "gnb", "-o", file("mine.gwm"), "--top-genres"});
  EXPECT_EQ(trained.code, 3) << trained.err;
  EXPECT_THAT(load_model(file("mine.gwm")).labels, ElementsAre("Electronic", "Jazz", "Zeuhl"));
  write_file(file("new.wav"), made_wav("clicks", 99, 3));
  const Ran ran = run_program({"predict", "--model", file("mine.gwm"), file("new.wav"), "--top", "1", "--csv"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("Electronic"));
}

TEST_F(TaggedCollection, IsStudiedAndAnotherChoiceOfLabelsIsAnotherRun) {
  const Arguments study{"study", music(), "--features", "mfcc", "--models", "gnb", "-o", file("run")};
  Ran ran = run_program(study);
  EXPECT_EQ(ran.code, 3) << ran.err;
  const json results = json::parse(read_file(folder_ / "run/results.json"));
  EXPECT_THAT(results["notes"].dump(), AllOf(HasSubstr("artists or albums"), HasSubstr("not in the map")));
  write_file(file("map.yaml"), "Prog: [zeuhl]\n");
  Arguments changed = study;
  changed.insert(changed.end(), {"--map", file("map.yaml")});
  ran = run_program(changed);
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("run"));
  changed.back() = file("map.yaml");
  changed[7] = file("other");
  EXPECT_EQ(run_program(changed).code, 3);
  EXPECT_THAT(json::parse(read_file(folder_ / "other/results.json"))["command"].dump(), HasSubstr("--map"));
}

TEST_F(TaggedCollection, IsAFolderOfGenresOnRequest) {
  const Ran ran = run_program({"inspect", music(), "--labels", "folders"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("(folder)"), HasSubstr("The noise 3")));
  EXPECT_THAT(ran.err, Not(HasSubstr("artists or albums")));
  EXPECT_THAT(run_program({"extract", music(), "--labels", "folders", "--top-genres", "-o", file("t.csv")}).err,
              HasSubstr("--top-genres"));
}

TEST_F(TaggedCollection, LeavesOutRareGenresAndSaysSo) {
  const Ran ran = run_program({"split", music(), "-o", file("split.csv"), "--min-groups", "6"});
  EXPECT_EQ(ran.code, 2);
  write_file(file("map.yaml"), "Zeuhl: {parent: Jazz}\n");
  const Ran folded =
      run_program({"split", music(), "-o", file("split.csv"), "--min-groups", "6", "--map", file("map.yaml")});
  EXPECT_EQ(folded.code, 3) << folded.err;
  EXPECT_THAT(folded.err,
              AllOf(HasSubstr("Zeuhl as Jazz (5 groups, 10 examples)"), HasSubstr("Drum & Bass as Electronic"),
                    HasSubstr("left out"), HasSubstr("Electronic (5 groups")));
  EXPECT_THAT(folded.out, AllOf(HasSubstr("Jazz"), Not(HasSubstr("Zeuhl")), Not(HasSubstr("Electronic"))));
}

TEST_F(TaggedCollection, IsReadInSeparateProcessesOnRequest) {
  const Ran ran = run_program({"extract", music(), "--isolate", "--features", "mfcc", "-o", file("t.csv")});
  EXPECT_EQ(ran.code, 3) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("30 rows"));
}

TEST_F(TaggedCollection, FaultsOfAMapNameTheirPlace) {
  write_file(file("map.yaml"), "Rock: [a]\nPop: [a]\n");
  const Ran ran = run_program({"train", music(), "--map", file("map.yaml"), "-o", file("m.gwm")});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("map.yaml:2:7"), HasSubstr("'a' is a name of 'Rock' and of 'Pop'")));
  EXPECT_EQ(run_program({"train", music(), "--map", file("none.yaml"), "-o", file("m.gwm")}).code, 1);
}

}  // namespace
}  // namespace genrewise::testing
