// genrewise tag and playlist on a catalogue that was made by a scan's functions.
#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "genrewise/audio/tags.hpp"
#include "genrewise/library/stored.hpp"
#include "support/environment.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Tag : public ::testing::Test {
 protected:
  Tag() {
    make_music(folder_ / "music", 2, 0.3);
    Catalogue catalogue(folder_ / "library.db", Catalogue::Access::write);
    for (const char* genre : kMadeGenres)
      for (int i = 0; i < 2; ++i) {
        CatalogueTrack track;
        track.path = folder_ / "music" / genre / (std::string(genre) + std::to_string(i) + ".wav");
        track.tags.artist = genre;
        track.duration_s = 60;
        track.correction = genre;
        write_track(catalogue.database(), track);
      }
  }
  Ran run(Arguments arguments) {
    arguments.insert(arguments.end(), {"--library", folder_ / "library.db"});
    return run_program(arguments);
  }
  json run_json(Arguments arguments, int code = 0) {
    arguments.push_back("--json");
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, code) << ran.err;
    return json::parse(ran.out);
  }

  TemporaryFolder folder_;
  const fs::path noise_ = folder_ / "music/noise/noise0.wav";
};

TEST_F(Tag, ShowsADiffAndWritesOnlyWithApply) {
  const std::string bytes = read_file(noise_);
  const Ran shown = run({"tag", "genre:noise"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_THAT(shown.out, HasSubstr("noise0.wav  genre          noise  planned\n"));
  EXPECT_THAT(shown.err, HasSubstr("add --apply"));
  EXPECT_EQ(run({"tag", "genre:noise", "--dry-run"}).out, shown.out);
  EXPECT_TRUE(read_file(noise_) == bytes);

  const json done = run_json({"tag", "genre:noise", "--apply"});
  EXPECT_EQ(done["batch"], 1);
  EXPECT_EQ(done["changes"].size(), 2U);
  EXPECT_EQ(done["changes"][0], json({{"file", noise_.string()},
                                      {"field", "genre"},
                                      {"before", json::array()},
                                      {"after", {"noise"}},
                                      {"track", done["changes"][0]["track"]},
                                      {"state", "written"}}));
  EXPECT_THAT(*read_tag_field(noise_, "genre"), ElementsAre("noise"));
  EXPECT_EQ(run_json({"tag", "genre:noise", "--apply"})["left_alone"], json({{"has this value", 2}}));

  EXPECT_EQ(run_json({"tag", "--history"})["batches"][0]["files"], 2);
  EXPECT_EQ(run_json({"tag", "--history", "1"})["changes"][1]["state"], "written");
  EXPECT_EQ(run_json({"tag", "--undo", "--dry-run"})["changes"].size(), 2U);
  EXPECT_EQ(run_json({"tag", "--undo"})["changes"].size(), 2U);
  EXPECT_TRUE(read_file(noise_) == bytes);
  EXPECT_THAT(run({"tag", "--undo", "1"}).out, IsEmpty());
}

TEST_F(Tag, SkipsFilesThatCannotBeChangedAndSaysWhy) {
  fs::create_hard_link(noise_, folder_ / "music/other.wav");
  const json done = run_json({"tag", "genre:noise", "--apply"}, 3);
  EXPECT_EQ(done["changes"].size(), 1U);
  EXPECT_EQ(done["skipped"][0]["reason"], "hard link");
}

TEST_F(Tag, RefusesWrongUsageWithWhatToDo) {
  const auto refusal = [&](const Arguments& arguments) {
    const Ran ran = run(arguments);
    return std::to_string(ran.code) + " " + ran.err;
  };
  EXPECT_THAT(refusal({"tag", "--undo"}), HasSubstr("2 genrewise: wrong usage: there is no change of tags to undo"));
  EXPECT_THAT(refusal({"tag", "--undo", "x"}), HasSubstr("needs the number of a batch"));
  EXPECT_THAT(refusal({"tag", "genre:noise", "--undo"}), HasSubstr("takes no query"));
  EXPECT_THAT(refusal({"tag", "--history", "5"}), HasSubstr("there is no batch 5"));
  EXPECT_THAT(refusal({"tag", "--write", "colour"}), HasSubstr("give one of genre"));
  EXPECT_THAT(refusal({"tag", "--write", "title"}), HasSubstr("--value"));
  EXPECT_THAT(refusal({"tag", "--apply", "--dry-run"}), HasSubstr("--dry-run"));
  EXPECT_THAT(refusal({"tag", "genre:Polka"}), HasSubstr("1 genrewise: error: genre:Polka: no track"));
  EXPECT_THAT(refusal({"tag", "/nowhere/song.mp3"}), HasSubstr("library scan"));
  EXPECT_THAT(refusal({"playlist", "-o", folder_ / "list.txt"}), HasSubstr(".m3u8"));
  EXPECT_THAT(refusal({"playlist", "-o", "list.m3u8", "--like", "/nowhere/song.mp3"}), HasSubstr("scan"));
}

TEST_F(Tag, WritesOnePlaylistOrOneForEachGenre) {
  const json one =
      run_json({"playlist", "-o", folder_ / "all.m3u8", "--per-artist", "1", "--sort", "path"})["playlists"];
  EXPECT_EQ(one[0]["tracks"].size(), 3U);
  EXPECT_THAT(read_file(folder_ / "all.m3u8"), HasSubstr("\nmusic/noise/noise0.wav\n"));
  const json each =
      run_json({"playlist", "--for", "all-genres", "-o", folder_ / "lists", "--format", "xspf", "--limit", "1"});
  EXPECT_EQ(each["playlists"].size(), 3U);
  EXPECT_EQ(each["playlists"][0]["tracks"].size(), 1U);
  EXPECT_TRUE(fs::exists(folder_ / "lists/noise.xspf"));
}

TEST_F(Tag, AnInterruptEndsBetweenTwoFilesAndTheJournalIsComplete) {
  const Ran ran =
      run_program_and_signal(SIGINT, {"tag", "--apply", "--json", "--library", folder_ / "library.db"}, [&] {
        return !read_tag_field(folder_ / "music/clicks/clicks0.wav", "genre")
                    .value_or(std::vector<std::string>())
                    .empty();
      });
  EXPECT_TRUE(ran.code == 130 || ran.code == 0) << ran.err;
  const json done = json::parse(ran.out);
  EXPECT_EQ(run_json({"tag", "--history"})["batches"][0]["files"], done["changes"].size());
}

}  // namespace
}  // namespace genrewise::testing
