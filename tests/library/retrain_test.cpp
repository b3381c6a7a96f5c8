#include "genrewise/library/retrain.hpp"

#include "genrewise/base/filesystem.hpp"
#include "scan_fixture.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Made music of six artists per genre, whose owner calls noise "Krach" and tones "Summen".
class Retrain : public testing::ScanTest {
 protected:
  Retrain() {
    for (int i = 0; i < 12; ++i)
      for (const char* genre : {"noise", "tones"}) make(genre + std::to_string(i) + ".wav", genre, i);
    scan();
    for (CatalogueTrack& track : find_tracks(*catalogue_, {})) {
      const std::string name = track.path.stem().string();
      track.tags.artist = "artist " + std::to_string(std::stoi(name.substr(5)) % 6) + name.substr(0, 5);
      track.tags.genres = {name.starts_with("noise") ? "Krach" : "Summen"};
      write_track(catalogue_->database(), track);
    }
  }
  RetrainResult retrain(const RetrainConfig& config) { return retrain_library(*catalogue_, config, runtime_); }
};

TEST_F(Retrain, ReplacesTheModelIfTheNewOneIsBetter) {
  correct("noise1.wav", "Krach");
  RetrainResult dry = retrain({.dry_run = true});
  EXPECT_FALSE(dry.replaced);
  EXPECT_THAT(genres(), ::testing::Contains("noise"));
  const RetrainResult result = retrain({});
  EXPECT_TRUE(result.replaced);
  EXPECT_THAT(result.labels, ElementsAre("Krach", "Summen"));
  EXPECT_EQ(result.examples, 24u);
  EXPECT_EQ(result.corrections, 1u);
  EXPECT_EQ(result.groups, 12u);
  EXPECT_GT(result.accuracy, 0.9);
  EXPECT_LE(result.low, result.accuracy);
  EXPECT_EQ(result.before, 0);
  EXPECT_LT(result.p_value.value(), 0.01);
  EXPECT_EQ(result.changed, 23u);
  EXPECT_EQ(result.model, file_.parent_path() / "library-1.gwm");
  EXPECT_EQ(catalogue_->current_model()->name, result.model.string());
  EXPECT_EQ(catalogue_->track(music_ / "tones3.wav")->predicted, "Summen");
  config_.model.clear();
  EXPECT_EQ(scan().unchanged, 24u);
  make("new.wav", "noise", 99);
  EXPECT_EQ(scan().analysed, 1u);
  EXPECT_EQ(catalogue_->track(music_ / "new.wav")->predicted, "Krach");
}

TEST_F(Retrain, KeepsTheModelUnlessForcedIfTheNewOneIsNotBetter) {
  for (CatalogueTrack& track : find_tracks(*catalogue_, {})) {
    track.tags.genres = {track.predicted};
    write_track(catalogue_->database(), track);
  }
  const RetrainResult same = retrain({});
  EXPECT_EQ(same.before, 1);
  EXPECT_FALSE(same.replaced);
  EXPECT_TRUE(same.model.empty());
  EXPECT_FALSE(path_exists(file_.parent_path() / "library-1.gwm"));
  EXPECT_TRUE(retrain({.output = folder_ / "own.gwm", .force = true}).replaced);
  EXPECT_EQ(catalogue_->current_model()->name, (folder_ / "own.gwm").string());
  const RetrainResult third = retrain({});
  EXPECT_FALSE(third.p_value);
  EXPECT_THAT(third.notes, ElementsAre(HasSubstr("its own cross-validation")));
}

TEST_F(Retrain, LeavesOutSmallGenresAndRefusesTooFew) {
  correct("noise1.wav", "Rare");
  EXPECT_THAT(retrain({.dry_run = true}).notes, ElementsAre(AllOf(HasSubstr("Rare (1 of 1)"), HasSubstr("5 tracks"))));
  EXPECT_THAT(error_message([&] { retrain({.min_tracks = 100}); }),
              AllOf(HasSubstr("Krach (11 of 6)"), HasSubstr("--min-tracks")));
  EXPECT_THAT(error_message([&] { retrain({.tags = false}); }), HasSubstr("left out: Rare"));
  EXPECT_THAT(error_message([&] { retrain({.features = "fma518"}); }), HasSubstr("it has mfcc"));
  EXPECT_THAT(error_message([&] { retrain({.classifier = "tree:depth=x"}); }), HasSubstr("tree"));
}

TEST_F(Retrain, TakesNeitherAFileForTheZeroShotModelNorATextForAnAccuracy) {
  Model model = made_model({"clicks", "noise", "tones"});
  model.facts["library_accuracy"] = "high";
  save_model(model, folder_ / "m.gwm");
  EXPECT_EQ(retrain({.dry_run = true}).before, 0);
  catalogue_->database().run("UPDATE models SET name = ?", std::string(kZeroShot));
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  write_file(kZeroShot, "x");
  EXPECT_EQ(retrain({.dry_run = true}).before, 0);
  std::filesystem::current_path(here);
}

TEST_F(Retrain, FoldsSpellingsOfTagsByAMap) {
  write_file(folder_ / "map.yaml", "Lärm: [krach]\nTon: [summen]\n");
  EXPECT_THAT(retrain({.genre_map = folder_ / "map.yaml", .dry_run = true}).labels, ElementsAre("Lärm", "Ton"));
}

}  // namespace
}  // namespace genrewise
