// genrewise library, as a person uses it, with a model on MFCCs that needs no weights.
#include <gmock/gmock.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/library/catalogue.hpp"
#include "genrewise/library/database.hpp"
#include "support/environment.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class LibraryCommand : public ::testing::Test {
 protected:
  LibraryCommand() : library_("GENREWISE_LIBRARY", folder_ / "data/library.db") {
    make_music(folder_ / "train", 4, 3);
    EXPECT_EQ(
        run_program({"train", folder_ / "train", "--features", "mfcc", "--model", "gnb", "--on", "all", "-o", model_})
            .code,
        0);
    make_music(music_, 2, 2.5);
  }
  static Ran library(Arguments arguments) {
    arguments.insert(arguments.begin(), "library");
    return run_program(arguments);
  }
  Ran scan() { return library({"scan", music_, "--model", model_, "--max-error", "1", "--json"}); }
  static json result(const Ran& ran) {
    EXPECT_EQ(ran.code, 0) << ran.err;
    return json::parse(ran.out);
  }

  TemporaryFolder folder_;
  const Environment library_;
  const fs::path model_ = folder_ / "m.gwm", music_ = folder_ / "My Music";
};

TEST_F(LibraryCommand, ScansListsAndSearches) {
  const Ran first = scan();
  EXPECT_EQ(result(first)["analysed"], 6) << first.err;
  EXPECT_EQ(result(library({"scan"}).code == 0 ? library({"scan", "--json"}) : Ran{})["unchanged"], 6);
  const json all = result(library({"list", "--json"}));
  ASSERT_EQ(all["tracks"].size(), 6u);
  EXPECT_EQ(all["tracks"][0]["genre"], "clicks");
  EXPECT_EQ(all["tracks"][0]["probabilities"].size(), 3u);
  EXPECT_EQ(result(library({"search", "genre:noise", "confidence:>0.3", "-path:noise1", "--json"}))["tracks"].size(),
            1u);
  const Ran csv = library({"list", "genre:tones,noise", "--csv"});
  EXPECT_THAT(csv.out,
              AllOf(HasSubstr("path,genre,predicted"), HasSubstr("tones0.wav,tones,tones,"), Not(HasSubstr("clicks"))));
  EXPECT_THAT(library({"list", "--per", "album"}).out,
              AllOf(HasSubstr("noise"), HasSubstr("2"), HasSubstr("confidence")));
  EXPECT_THAT(library({"genres"}).out, HasSubstr("tones"));
  EXPECT_THAT(library({"show", music_ / "noise/noise1.wav"}).out, AllOf(HasSubstr("noise"), HasSubstr("0:03")));
  const Ran timeline = library({"show", music_ / "noise/noise1.wav", "--timeline"});
  EXPECT_THAT(timeline.out, AllOf(HasSubstr("start"), HasSubstr("0:00"), HasSubstr("noise")));
  EXPECT_THAT(library({"similar", music_ / "noise/noise1.wav", "-n", "1"}).out, HasSubstr("noise0.wav"));
}

TEST_F(LibraryCommand, CorrectionsWinAndAreKept) {
  scan();
  const Ran corrected = library({"correct", music_ / "noise", "-path:noise1", "Krach"});
  EXPECT_EQ(corrected.code, 0) << corrected.err;
  EXPECT_EQ(corrected.out, "1 tracks are Krach now\n");
  EXPECT_THAT(corrected.err, HasSubstr("new genre"));
  rename_path(music_ / "noise", music_ / "loud");
  EXPECT_EQ(result(scan())["moved"], 2);
  EXPECT_THAT(library({"list", "corrected:yes", "--csv"}).out, HasSubstr("loud/noise0.wav,Krach,noise"));
  EXPECT_EQ(library({"correct", "genre:Krach", ""}).code, 0);
  EXPECT_THAT(library({"genres", "--csv"}).out, HasSubstr("noise,2"));
  EXPECT_EQ(library({"forget", "path:loud"}).out, "2 tracks are forgotten\n");
  EXPECT_EQ(result(library({"list", "--json"}))["tracks"].size(), 4u);
  EXPECT_EQ(library({"forget", "path:loud"}).code, 1);
}

TEST_F(LibraryCommand, ReportsSkippedFilesAndUnavailableFolders) {
  write_file(music_ / "broken.mp3", "no audio at all");
  const Ran ran = scan();
  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(ran.err, HasSubstr("broken.mp3"));
  const Ran again = scan();
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.err, HasSubstr("--retry"));
  rename_path(music_, folder_ / "away");
  const Ran away = library({"scan"});
  EXPECT_EQ(away.code, 3);
  EXPECT_THAT(away.err, HasSubstr("not available"));
  EXPECT_EQ(result(library({"list", "--json"}))["tracks"].size(), 7u);
}

TEST_F(LibraryCommand, SurvivesSignalsAndContinues) {
  for (int i = 0; i < 40; ++i)
    write_file(music_ / (std::to_string(i) + ".wav"), made_wav(kMadeGenres[i % 3], 50 + i, 2));
  const auto started = [&, calls = 0]() mutable { return ++calls > 3 && path_exists(folder_ / "data/library.db-wal"); };
  EXPECT_THAT(run_program_and_signal(SIGINT, {"library", "scan", music_, "--model", model_}, started).code,
              ::testing::AnyOf(130, 0));
  run_program_and_signal(SIGKILL, {"library", "scan", music_, "--model", model_}, started);
  EXPECT_EQ(scan().code, 0);
  EXPECT_EQ(result(library({"list", "analysed:yes", "--json"}))["tracks"].size(), 46u);
}

TEST_F(LibraryCommand, FindsDuplicates) {
  fs::copy_file(music_ / "noise/noise1.wav", music_ / "copy.wav");
  scan();
  const json groups = result(library({"duplicates", "--json"}))["groups"];
  ASSERT_GE(groups.size(), 1u);
  std::string copies;
  for (const json& group : groups)
    if (const std::string text = group.dump(); text.find("copy.wav") != std::string::npos) copies = text;
  EXPECT_THAT(copies, AllOf(HasSubstr("noise1.wav"), HasSubstr("similarity"), HasSubstr("duration_difference_s")));
  EXPECT_THAT(library({"duplicates"}).out, HasSubstr("similarity"));
}

TEST_F(LibraryCommand, ShowsATrackWhoseModelHasFewerLabels) {
  scan();
  Catalogue(folder_ / "data/library.db", Catalogue::Access::write).database().run("UPDATE models SET labels = '[]'");
  const Ran ran = library({"show", music_ / "noise/noise1.wav"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("noise1.wav"), Not(HasSubstr("confidence"))));
}

TEST_F(LibraryCommand, StatesWhatIsWrong) {
  EXPECT_THAT(library({"list"}).err, HasSubstr("genrewise library scan"));
  EXPECT_THAT(library({}).err, AllOf(HasSubstr("a command is missing"), HasSubstr("genrewise library --help")));
  EXPECT_THAT(library({"scam"}).err, AllOf(HasSubstr("'scam'"), HasSubstr("did you mean scan?")));
  EXPECT_THAT(library({"scan", "--modle", "x"}).err,
              AllOf(HasSubstr("did you mean --model?"), HasSubstr("genrewise library scan --help")));
  scan();
  const Ran typo = library({"list", "--limt", "5"});
  EXPECT_EQ(typo.code, 2);
  EXPECT_THAT(typo.err, HasSubstr("--limt"));
  const Ran field = library({"list", "gnre:Rock"});
  EXPECT_EQ(field.code, 2);
  EXPECT_THAT(field.err, AllOf(HasSubstr("position 1"), HasSubstr("gnre")));
  EXPECT_EQ(library({"search"}).code, 2);
  EXPECT_EQ(library({"correct", "genre:noise", "Acid\nJazz"}).code, 2);
  EXPECT_THAT(library({"show", folder_ / "none.mp3"}).err, HasSubstr("not in the catalogue"));
  EXPECT_THAT(library({"retrain"}).err, HasSubstr("fewer than two genres"));
}

}  // namespace
}  // namespace genrewise::testing
