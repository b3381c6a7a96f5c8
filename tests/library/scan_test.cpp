#include "genrewise/library/scan.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "catalogue_fixture.hpp"
#include "cli/made_music.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/library/query.hpp"
#include "scan_fixture.hpp"
#include "support/environment.hpp"
#include "support/ordinary_user.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::made_wav;
using testing::ScanTest;

TEST_F(ScanTest, AnalysesNewFilesOnce) {
  make("a/clicks.wav", "clicks");
  make("b/noise 音.wav", "noise");
  make("b/odd\n\xff.wav", "tones");
  const ScanResult first = scan();
  EXPECT_EQ(first.added, 3u);
  EXPECT_EQ(first.analysed, 3u);
  EXPECT_THAT(genres(), ElementsAre("clicks", "noise", "tones"));
  const CatalogueTrack track = *catalogue_->track(music_ / "a/clicks.wav");
  EXPECT_NEAR(track.duration_s, 3, 0.01);
  EXPECT_EQ(track.fingerprint.size(), 24u);
  EXPECT_EQ(track.segments.size(), 1u);
  EXPECT_EQ(track.bytes, bytes_of_file(track.path));
  const ScanResult again = scan();
  EXPECT_EQ(again.unchanged, 3u);
  EXPECT_EQ(again.analysed + again.added + again.changed + again.missing + again.moved, 0u);
  EXPECT_THAT(catalogue_->roots(), ElementsAre(music_));
}

TEST_F(ScanTest, FollowsFilesWithTimesThatNanosecondsCannotCount) {
  make("a.wav", "clicks");
  const struct timespec times[] = {{10'413'792'000, 0}, {10'413'792'000, 0}};  // in the year 2300
  ASSERT_EQ(::utimensat(AT_FDCWD, (music_ / "a.wav").c_str(), times, 0), 0);
  scan();
  EXPECT_GT(catalogue_->track(music_ / "a.wav")->modified_ns, std::int64_t{9'000'000'000} * 1'000'000'000);
  EXPECT_EQ(scan().unchanged, 1u);
}

TEST_F(ScanTest, RecognisesMovedFilesWithTheirCorrection) {
  make("a.wav", "clicks");
  make("b.wav", "noise");
  scan();
  correct("a.wav", "Zouk");
  const std::int64_t id = catalogue_->track(music_ / "a.wav")->id;
  make_folders(music_ / "x");
  rename_path(music_ / "a.wav", music_ / "x/new.wav");
  const ScanResult moved = scan();
  EXPECT_EQ(moved.moved, 1u);
  EXPECT_EQ(moved.analysed, 0u);
  EXPECT_EQ(catalogue_->track(music_ / "x/new.wav")->id, id);
  EXPECT_THAT(genres(), ElementsAre("noise", "Zouk"));
  rename_path(music_ / "x/new.wav", music_ / "t");
  rename_path(music_ / "b.wav", music_ / "x/new.wav");
  rename_path(music_ / "t", music_ / "b.wav");
  const ScanResult exchanged = scan();
  EXPECT_EQ(exchanged.moved + exchanged.changed, 2u);
  EXPECT_EQ(exchanged.analysed + exchanged.missing, 0u);
  EXPECT_EQ(catalogue_->track(music_ / "b.wav")->id, id);
  EXPECT_THAT(genres(), ElementsAre("Zouk", "noise"));
}

TEST_F(ScanTest, FollowsAChainOfRenames) {
  for (const char* name : {"1.wav", "2.wav", "3.wav"}) make(name, "noise", name[0]);
  scan();
  for (const char* name : {"1", "2", "3"}) correct(std::string(name) + ".wav", name);
  for (const auto& [from, to] : {std::pair("3", "4"), {"2", "3"}, {"1", "2"}})
    rename_path(music_ / (std::string(from) + ".wav"), music_ / (std::string(to) + ".wav"));
  const ScanResult moved = scan();
  EXPECT_EQ(moved.analysed + moved.added, 0u);
  EXPECT_THAT(genres(), ElementsAre("1", "2", "3"));
  EXPECT_EQ(count_tracks(*catalogue_, parse_query("missing:yes")), 0u);
}

TEST_F(ScanTest, ACopyAndAHardLinkAreAnalysedOnce) {
  make("a.wav", "clicks");
  fs::create_hard_link(music_ / "a.wav", music_ / "b.wav");
  EXPECT_EQ(scan().analysed, 1u);
  correct("a.wav", "Zouk");
  fs::copy_file(music_ / "a.wav", music_ / "c.wav");
  const ScanResult copied = scan();
  EXPECT_EQ(copied.added, 1u);
  EXPECT_EQ(copied.analysed, 0u);
  EXPECT_THAT(genres(), ElementsAre("Zouk", "clicks", "Zouk"));
  EXPECT_EQ(catalogue_->track(music_ / "c.wav")->segments.size(), 1u);
  EXPECT_EQ(catalogue_->stored_features().front().second, 3u);
}

TEST_F(ScanTest, ALinkToWhatIsScannedAnywayAddsNothing) {
  make("a.wav", "clicks");
  make("Artist/b.wav", "noise");
  make(".store/key.wav", "tones");
  fs::create_symlink(music_ / "a.wav", music_ / "again.wav");
  fs::create_symlink(music_ / ".store/key.wav", music_ / "c.wav");  // as git-annex has, found through the link only
  make_folders(folder_ / "Best of");
  fs::create_directory_symlink(music_ / "Artist", folder_ / "Best of/Artist");
  EXPECT_EQ(scan().added, 3u);
  config_.roots = {folder_ / "Best of"};
  EXPECT_EQ(scan().added, 0u);
  EXPECT_THAT(genres(), ElementsAre("noise", "clicks", "tones"));
}

TEST_F(ScanTest, ChangedAudioIsAnalysedAnewAndKeepsItsCorrection) {
  make("a.wav", "clicks");
  scan();
  const auto time = fs::last_write_time(music_ / "a.wav");
  fs::last_write_time(music_ / "a.wav", time - std::chrono::hours(1000));
  ScanResult touched = scan();
  EXPECT_EQ(touched.changed, 1u);
  EXPECT_EQ(touched.analysed, 0u);
  make("a.wav", "noise");
  fs::last_write_time(music_ / "a.wav", time + std::chrono::hours(100'000));
  EXPECT_EQ(scan().analysed, 1u);
  EXPECT_THAT(genres(), ElementsAre("noise"));
  correct("a.wav", "Zouk");
  make("a.wav", "tones");
  EXPECT_EQ(scan().analysed, 1u);
  EXPECT_THAT(genres(), ElementsAre("Zouk"));
  EXPECT_EQ(catalogue_->track(music_ / "a.wav")->predicted, "tones");
}

TEST_F(ScanTest, AFolderThatVanishedKeepsItsTracks) {
  make("a/1.wav", "clicks");
  make("b/2.wav", "noise");
  scan();
  rename_path(music_ / "a", folder_ / "away");
  EXPECT_EQ(scan().missing, 1u);
  EXPECT_THAT(genres(), ElementsAre("noise"));
  rename_path(folder_ / "away", music_ / "a");
  const ScanResult back = scan();
  EXPECT_EQ(back.returned, 1u);
  EXPECT_EQ(back.analysed, 0u);
  for (const bool exists : {false, true}) {
    rename_path(music_, folder_ / "disk");
    if (exists) make_folders(music_);
    const ScanResult unmounted = scan();
    EXPECT_THAT(unmounted.unavailable, ElementsAre(music_.string()));
    EXPECT_EQ(unmounted.missing, 0u);
    EXPECT_THAT(genres(), ElementsAre("clicks", "noise"));
    if (exists) remove_path(music_);
    rename_path(folder_ / "disk", music_);
  }
  EXPECT_EQ(scan().unchanged, 2u);
}

TEST_F(ScanTest, AFolderWithBracketsInItsNameThatVanishedKeepsItsTracks) {
  make("a.wav", "clicks");
  const fs::path disk = folder_ / "Music [FLAC]";
  rename_path(music_, disk);
  make("b.wav", "noise");
  config_.roots = {disk, music_};
  scan();
  rename_path(disk, folder_ / "away");
  const ScanResult unmounted = scan();
  EXPECT_THAT(unmounted.unavailable, ElementsAre(disk.string()));
  EXPECT_EQ(unmounted.unchanged, 1u);
  EXPECT_THAT(genres(), ElementsAre("clicks", "noise"));
}

TEST_F(ScanTest, FilesThatBeginAlikeAreOtherTracks) {
  const auto make_late = [&](const char* name, const char* genre) {  // after four seconds of silence: 706 kB
    constexpr int kRate = 88200;
    std::string wav = made_wav(genre, 1, 6, kRate);
    std::fill_n(wav.end() - 6 * 2 * kRate, 4 * 2 * kRate, '\0');
    write_file(music_ / name, wav);
  };
  make_late("a.wav", "clicks");
  make_late("b.wav", "noise");
  EXPECT_EQ(scan().analysed, 2u);
  correct("a.wav", "Zouk");
  correct("b.wav", "Krach");
  make_late("c.wav", "tones");
  fs::copy_file(music_ / "b.wav", music_ / "d.wav");
  EXPECT_EQ(scan().analysed, 1u);
  EXPECT_THAT(catalogue_->track(music_ / "c.wav")->correction, IsEmpty());
  EXPECT_EQ(catalogue_->track(music_ / "d.wav")->correction, "Krach");
  fs::remove(music_ / "d.wav");
  fs::last_write_time(music_ / "b.wav", fs::last_write_time(music_ / "b.wav") - std::chrono::hours(1));
  EXPECT_EQ(scan().analysed, 0u);
  rename_path(music_ / "b.wav", music_ / "e.wav");
  const ScanResult moved = scan();
  EXPECT_EQ(moved.moved, 1u);
  EXPECT_EQ(moved.analysed, 0u);
  EXPECT_EQ(catalogue_->track(music_ / "e.wav")->correction, "Krach");
  EXPECT_EQ(catalogue_->track(music_ / "a.wav")->correction, "Zouk");
  make_folders(music_ / "x");
  for (const char* name : {"a.wav", "e.wav"}) rename_path(music_ / name, music_ / "x" / name);
  EXPECT_EQ(scan().moved, 2u);
  EXPECT_EQ(catalogue_->track(music_ / "x/e.wav")->correction, "Krach");
  EXPECT_EQ(catalogue_->track(music_ / "x/a.wav")->correction, "Zouk");
}

TEST_F(ScanTest, ReportsWhyTheDatabaseEndedATransaction) {
  make("a.wav", "clicks");
  catalogue_->database().script(
      "CREATE TEMP TRIGGER lost BEFORE INSERT ON tracks BEGIN SELECT RAISE(ROLLBACK, 'the disk is lost'); END");
  EXPECT_THAT(error_message([&] { scan(); }), HasSubstr("the disk is lost"));
}

TEST_F(ScanTest, AFolderThatCannotBeReadKeepsItsTracks) {
  make("a/1.wav", "clicks");
  make("b/2.wav", "noise");
  scan();
  AS_ORDINARY_USER(folder_.path());
  fs::permissions(music_ / "a", fs::perms::none);
  const ScanResult result = scan();
  fs::permissions(music_ / "a", fs::perms::owner_all);
  EXPECT_EQ(result.missing, 0u);
  ASSERT_EQ(result.skipped.size(), 1u);
  EXPECT_EQ(result.skipped[0].reason, "folder cannot be read");
}

TEST_F(ScanTest, SkipsFilesThatCannotBeUsedUntilTheyChange) {
  make("good.wav", "clicks");
  write_file(music_ / "empty.mp3", "");
  write_file(music_ / "text.mp3", "no music at all, just some text");
  write_file(music_ / "one.wav", testing::wav_of(std::vector<std::int16_t>{5}, 1, 22050));
  write_file(music_ / "silent.wav", testing::wav_of(std::vector<std::int16_t>(70000), 1, 22050));
  fs::create_symlink(music_ / "nowhere", music_ / "link.ogg");
  fs::create_directory_symlink(music_, music_ / "circle");
  ASSERT_EQ(mkfifo((music_ / "pipe.wav").c_str(), 0600), 0);
  const ScanResult first = scan();
  EXPECT_EQ(first.analysed, 1u);
  EXPECT_EQ(first.skipped.size(), 6u) << counts_text(first.skipped);
  EXPECT_EQ(count_tracks(*catalogue_, parse_query("-fault:\"\"")), 4u);
  EXPECT_THAT(genres(), ElementsAre("", "clicks", "", "", ""));
  const ScanResult second = scan();
  EXPECT_EQ(second.skipped_before, 4u);
  EXPECT_EQ(second.skipped.size(), 2u);
  config_.retry = true;
  EXPECT_EQ(scan().skipped.size(), 6u);
  config_.retry = false;
  make("empty.mp3", "noise");
  EXPECT_EQ(scan().analysed, 1u);
  EXPECT_THAT(genres(), ElementsAre("noise", "clicks", "", "", ""));
}

TEST_F(ScanTest, TriesAFileAgainThatCouldNotBeOpened) {
  make("a.wav", "clicks");
  scan();
  correct("a.wav", "Zouk");
  AS_ORDINARY_USER(folder_.path());
  make("b.wav", "noise");
  for (const char* name : {"a.wav", "b.wav"}) fs::permissions(music_ / name, fs::perms::none);
  fs::last_write_time(music_ / "a.wav", fs::last_write_time(music_ / "b.wav") + std::chrono::hours(1));
  EXPECT_EQ(scan().skipped.size(), 2u);
  for (const char* name : {"a.wav", "b.wav"}) fs::permissions(music_ / name, fs::perms::owner_all);
  const ScanResult again = scan();
  EXPECT_THAT(again.skipped, IsEmpty());
  EXPECT_EQ(again.analysed, 1u);
  EXPECT_THAT(genres(), ElementsAre("Zouk", "noise"));
}

TEST_F(ScanTest, PredictsAnewFromStoredFeaturesWhenTheModelIsAnotherOne) {
  make("a.wav", "clicks");
  make("b.wav", "noise");
  scan();
  correct("b.wav", "Zouk");
  save_model(made_model({"Klick", "Rausch", "Ton"}), folder_ / "other.gwm");
  config_.model = folder_ / "other.gwm";
  const ScanResult other = scan();
  EXPECT_EQ(other.predicted, 2u);
  EXPECT_EQ(other.analysed, 0u);
  EXPECT_THAT(genres(), ElementsAre("Klick", "Zouk"));
  EXPECT_EQ(catalogue_->current_model()->labels[2], "Ton");
  config_.model.clear();
  make("c.wav", "tones");
  EXPECT_EQ(scan().analysed, 1u);
  EXPECT_THAT(genres(), ElementsAre("Klick", "Zouk", "Ton"));
}

TEST_F(ScanTest, StoresFurtherFeatureSets) {
  make("a.wav", "clicks");
  scan();
  config_.features = {"raw10k", "mfcc"};
  EXPECT_EQ(scan().analysed, 1u);
  EXPECT_EQ(scan().analysed, 0u);
  ASSERT_EQ(catalogue_->stored_features().size(), 2u);
  EXPECT_EQ(catalogue_->stored_features()[1].first.name, "raw10k");
}

TEST_F(ScanTest, StoresTheSameFurtherFeaturesWithThePredictionAsAfterIt) {
  make("a.wav", "clicks");
  const auto rows = [&] {
    std::vector<std::string> all;
    auto found = catalogue_->database().query("SELECT recipe, hex(row) FROM features ORDER BY recipe");
    while (found.next()) all.push_back(found.text(0) + " " + found.text(1));
    return all;
  };
  scan();
  config_.features = {"raw10k"};
  scan();
  const auto later = rows();
  catalogue_->database().run("DELETE FROM features");
  catalogue_->database().run("UPDATE tracks SET model = NULL");
  EXPECT_EQ(scan().analysed, 1u);
  ASSERT_EQ(later.size(), 2u);
  EXPECT_EQ(rows(), later);
}

TEST_F(ScanTest, SkipsATrackWithoutAFurtherFeatureSet) {
  make_folders(music_);
  write_file(music_ / "brief.wav", made_wav("clicks", 1, 0.4));  // too short for raw10k
  config_.features = {"raw10k"};
  const ScanResult result = scan();
  EXPECT_EQ(result.analysed, 0u);
  ASSERT_EQ(result.skipped.size(), 1u);
  EXPECT_EQ(result.skipped[0].reason, "too short");
}

TEST_F(ScanTest, RefusesWhatItCannotScan) {
  EXPECT_THAT(
      error_message([&] { scan_library(*catalogue_, {.model = folder_ / "m.gwm", .isolation = {}}, runtime_); }),
      HasSubstr("no folders"));
  EXPECT_THAT(error_message([&] {
                scan_library(*catalogue_, {.roots = {music_}, .model = folder_ / "none.gwm", .isolation = {}},
                             runtime_);
              }),
              HasSubstr("none.gwm"));
  const ScanResult nothing =
      scan_library(*catalogue_, {.roots = {folder_ / "typo"}, .model = folder_ / "m.gwm", .isolation = {}}, runtime_);
  ASSERT_EQ(nothing.skipped.size(), 1u);
  EXPECT_EQ(nothing.skipped[0].reason, "not found");
  EXPECT_THAT(catalogue_->roots(), IsEmpty());
}

TEST_F(ScanTest, ContinuesAfterInterruptsAndKills) {
  constexpr int kFiles = 40;
  for (int i = 0; i < kFiles; ++i) make(std::to_string(i) + ".wav", testing::kMadeGenres[i % 3], i);
  catalogue_.reset();
  Rng rng(5);
  for (int round = 0; round < 6; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      Runtime runtime;
      Catalogue catalogue(file_, Catalogue::Access::write);
      scan_library(catalogue, config_, runtime);
      _exit(0);
    }
    usleep(static_cast<useconds_t>(rng.below(300'000)));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    catalogue_.emplace(file_, Catalogue::Access::write);
    {
      auto check = catalogue_->database().query("PRAGMA integrity_check");
      ASSERT_TRUE(check.next() && check.text(0) == "ok");
    }
    for (const CatalogueTrack& track : find_tracks(*catalogue_, parse_query("analysed:yes")))
      EXPECT_EQ(catalogue_->track(track.id)->segments.size(), 1u);
    catalogue_.reset();
  }
  catalogue_.emplace(file_, Catalogue::Access::write);
  make("last.wav", "noise", kFiles);
  runtime_.request_interrupt();
  EXPECT_THROW(scan(), Interrupted);
  runtime_.clear_interrupt();
  scan();
  EXPECT_EQ(count_tracks(*catalogue_, parse_query("analysed:yes")), static_cast<std::size_t>(kFiles) + 1);
  EXPECT_EQ(scan().unchanged, static_cast<std::size_t>(kFiles) + 1);
}

TEST_F(ScanTest, IsolatesFilesThatCrashOrHangADecoder) {
  const auto worker = testing::bin_folder() / "faulty_decode_worker";
  if (!fs::exists(worker)) GTEST_SKIP() << "needs the program faulty_decode_worker";
  make("good.wav", "clicks");
  write_file(music_ / "odd.wav", made_wav("noise", 1, 3) + "FAULT crash");
  write_file(music_ / "slow.wav", made_wav("noise", 2, 3) + "FAULT hang");
  config_.isolation = DecodeIsolation{.max_seconds = 2, .worker = worker};
  const ScanResult first = scan();
  EXPECT_EQ(first.analysed, 1u);
  std::set<std::string> reasons;
  for (const Fault& fault : first.skipped) reasons.insert(fault.reason);
  EXPECT_THAT(reasons, ElementsAre("decoder crashed (signal 11)", "took longer than 2 s"));
  EXPECT_EQ(scan().skipped_before, 2u);
}

}  // namespace
}  // namespace genrewise
