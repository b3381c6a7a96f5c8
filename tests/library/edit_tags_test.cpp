// Writing tags with a journal, and undoing it. Files are short WAV files.
#include "genrewise/library/edit_tags.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "audio/ffmpeg_program.hpp"
#include "audio/wav_writer.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/storage/files.hpp"
#include "library/catalogue_fixture.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_with_ffmpeg;
using ::testing::Pair;
using Values = std::vector<std::string>;

class EditTags : public testing::CatalogueTest {
 protected:
  /// A WAV file that the catalogue takes for Rock.
  fs::path add_song(const std::string& name, const std::vector<float>& probabilities = {0.1F, 0.2F, 0.7F}) {
    const fs::path path = folder_ / "music" / name;
    std::vector<std::int16_t> samples(4000);
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<std::int16_t>(i * i + name.size());
    write_file(path, testing::wav_of(samples, 1, 8000));
    return enter(path, probabilities);
  }
  fs::path enter(const fs::path& path, const std::vector<float>& probabilities) {
    auto song = track(path.string(), probabilities);
    song.bytes = bytes_of_file(path);
    add(song);
    return path;
  }
  std::vector<CatalogueTrack> songs() {
    std::vector<CatalogueTrack> tracks;
    auto rows = catalogue_->database().query("SELECT id FROM tracks ORDER BY path");
    while (rows.next()) tracks.push_back(*catalogue_->track(rows.integer(0)));
    return tracks;
  }
  TagPlan plan(const TagConfig& config = {}) { return plan_tags(songs(), config, runtime_); }
  TagResult apply(const TagConfig& config = {}) { return apply_tags(*catalogue_, plan(config), "tag", runtime_); }
  static Values genres(const fs::path& path) { return read_tag_field(path, "genre").value(); }
  void sql(const std::string& text) { catalogue_->database().script(text); }

  Runtime runtime_;
};

std::string reasons(const std::vector<Fault>& faults) {
  return counts_text(faults);
}

TEST_F(EditTags, FillsOnlyWhatIsEmptyAppendsOnlyWhatIsMissingAndReplacesAll) {
  const auto path = add_song("a.wav");
  EXPECT_EQ(apply({.values = {"Indie", "rock"}}).changes.size(), 1U);
  EXPECT_EQ(genres(path), Values({"Indie", "rock"}));
  EXPECT_THAT(plan().left_alone, ElementsAre(Pair("has a value", 1)));
  EXPECT_THAT(plan({.mode = TagMode::append}).left_alone, ElementsAre(Pair("has this value", 1)));  // "rock" is Rock
  apply({.mode = TagMode::append, .values = {"Pop", "ROCK"}});
  EXPECT_EQ(genres(path), Values({"Indie", "rock", "Pop"}));
  apply({.mode = TagMode::replace});
  EXPECT_EQ(genres(path), Values({"Rock"}));
  EXPECT_THAT(plan({.mode = TagMode::replace}).left_alone, ElementsAre(Pair("has this value", 1)));
}

TEST_F(EditTags, LeavesTracksWithoutACertainGenreAlone) {
  add_song("unknown.wav", {0.33F, 0.33F, 0.34F});
  add_song("none.wav", {});
  add_song("uncertain.wav", {0, 0.4F, 0.6F});
  const auto corrected = add_song("corrected.wav", {0.33F, 0.33F, 0.34F});
  catalogue_->correct(std::vector{catalogue_->track(corrected)->id}, "Polka");
  const TagPlan planned = plan({.min_confidence = 0.65});
  EXPECT_THAT(planned.left_alone,
              ElementsAre(Pair("low confidence", 1), Pair("no genre", 1), Pair("unknown genre", 1)));
  ASSERT_EQ(planned.changes.size(), 1U);
  EXPECT_EQ(planned.changes[0].after, Values({"Polka"}));
}

TEST_F(EditTags, ReportsFilesThatCannotBeChangedInThePlan) {
  const auto linked = add_song("a.wav");
  fs::create_hard_link(linked, folder_ / "music/b.wav");
  fs::permissions(add_song("c.wav"), fs::perms::owner_read);
  fs::remove(add_song("d.wav"));
  EXPECT_EQ(reasons(plan().skipped), "1 cannot be opened, 1 hard link, 1 read-only");
  EXPECT_EQ(apply().batch, 0);
  EXPECT_THAT(tag_history(*catalogue_), IsEmpty());
}

TEST_F(EditTags, RefusesUnknownFieldsAndGenresAsTitles) {
  EXPECT_THAT(testing::error_message([&] { plan({.field = "colour"}); }), HasSubstr("give one of genre, artist"));
  EXPECT_THAT(testing::error_message([&] { plan({.field = "title"}); }), HasSubstr("--value"));
}

TEST_F(EditTags, TheCatalogueKnowsTheNewTagsAndTheAnalysisStays) {
  const auto path = add_song("a.wav");
  apply({.values = {"Indie", "Folk"}});
  const auto song = *catalogue_->track(path);
  EXPECT_EQ(song.bytes, bytes_of_file(path));
  EXPECT_EQ(song.tags.genres, Values({"Indie", "Folk"}));
  EXPECT_EQ(song.predicted, "Rock");
}

TEST_F(EditTags, UndoRestoresTheBytesTheTimesAndTheCatalogue) {
  const auto path = add_song("a.wav");
  const auto before = *catalogue_->track(path);
  const std::string bytes = read_file(path);
  const struct timespec times[] = {{1'000'000'000, 0}, {1'100'000'000, 5}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  const auto applied = apply();
  ASSERT_NE(genres(path), Values());
  const auto undone = undo_tags(*catalogue_, applied.batch, runtime_);
  EXPECT_EQ(reasons(undone.skipped), "");
  EXPECT_TRUE(read_file(path) == bytes);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mtim.tv_sec, 1'100'000'000);
  EXPECT_EQ(catalogue_->track(path)->bytes, before.bytes);
  EXPECT_THAT(catalogue_->track(path)->tags.genres, IsEmpty());
  EXPECT_THAT(testing::error_message([&] { undo_tags(*catalogue_, 0, runtime_); }), HasSubstr("no change of tags"));
}

TEST_F(EditTags, UndoRestoresTheBytesOfEveryFormat) {
  REQUIRE_FFMPEG();
  std::map<fs::path, std::string> before;
  for (const char* format : {"mp3", "flac", "ogg", "opus", "m4a", "wma", "aiff", "wv", "wav"}) {
    const fs::path path = folder_ / "music" / (std::string("a.") + format);
    if (make_with_ffmpeg("-f lavfi -i sine=440:d=1 -metadata genre=Old -metadata title=T", path))
      before[enter(path, {0, 0.1F, 0.9F})] = read_file(path);
  }
  const auto first = apply({.mode = TagMode::append, .values = {std::string(500, 'x')}});
  EXPECT_EQ(first.changes.size(), before.size()) << reasons(first.skipped);
  apply({.field = "comment", .values = {"one", "two"}});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(reasons(undo_tags(*catalogue_, 0, runtime_).skipped), "");
  for (const auto& [path, bytes] : before) EXPECT_TRUE(read_file(path) == bytes) << path;
}

TEST_F(EditTags, UndoesTheLatestBatchFirstAndNamesItOtherwise) {
  const auto path = add_song("a.wav");
  const std::string bytes = read_file(path);
  const auto first = apply({.values = {"One"}}).batch,
             second = apply({.mode = TagMode::replace, .values = {"Two"}}).batch;
  const auto early = undo_tags(*catalogue_, first, runtime_);
  ASSERT_EQ(early.skipped.size(), 1U);
  EXPECT_EQ(to_string(early.skipped[0]),
            path.string() + ": changed since (undo batch " + std::to_string(second) + " first)");
  EXPECT_EQ(undo_tags(*catalogue_, 0, runtime_).batch, second);
  EXPECT_EQ(genres(path), Values({"One"}));
  EXPECT_EQ(undo_tags(*catalogue_, 0, runtime_).batch, first);
  EXPECT_TRUE(read_file(path) == bytes);
  EXPECT_THROW(undo_tags(*catalogue_, 99, runtime_), UsageError);
}

TEST_F(EditTags, DoesNotTouchFilesThatAnotherProgramChangedSince) {
  const auto path = add_song("a.wav"), other = add_song("b.wav");
  const TagPlan planned = plan();
  ASSERT_TRUE(write_tag_copy(path, folder_ / "music/edited", "genre", {"Schlager"}));
  fs::rename(folder_ / "music/edited", path);
  EXPECT_EQ(reasons(apply_tags(*catalogue_, planned, "tag", runtime_).skipped), "1 changed since");
  EXPECT_EQ(genres(path), Values({"Schlager"}));
  EXPECT_EQ(genres(other), Values({"Rock"}));

  ASSERT_TRUE(write_tag_copy(other, folder_ / "music/edited", "genre", {"Schlager"}));
  fs::rename(folder_ / "music/edited", other);
  EXPECT_EQ(reasons(undo_tags(*catalogue_, 0, runtime_).skipped), "1 changed since");
  EXPECT_EQ(genres(other), Values({"Schlager"}));
}

TEST_F(EditTags, UndoFindsAFileThatWasMoved) {
  const auto path = add_song("a.wav"), moved = folder_ / "music/moved.wav";
  const std::string bytes = read_file(path);
  apply();
  fs::rename(path, moved);
  EXPECT_EQ(reasons(undo_tags(*catalogue_, 0, runtime_).skipped), "1 not found");
  auto song = *catalogue_->track(path);
  song.path = moved;
  add(song);  // as a scan does
  EXPECT_EQ(reasons(undo_tags(*catalogue_, 0, runtime_).skipped), "");
  EXPECT_TRUE(read_file(moved) == bytes);
}

TEST_F(EditTags, SettlesWhatAKilledProcessLeft) {
  const auto written = add_song("a.wav"), not_written = add_song("b.wav"), gone = add_song("c.wav");
  const std::string bytes_a = read_file(written), bytes_b = read_file(not_written);
  const auto batch = apply().batch;
  write_file(not_written, bytes_b);  // as if it was killed before its rename
  fs::rename(gone, folder_ / "elsewhere");
  write_file(folder_ / "music/.a.wav.genrewise-tag-0123abcd", "half");
  sql("UPDATE tag_changes SET state = 'planned'; UPDATE tracks SET bytes = 1");
  catalogue_->database().run("UPDATE tag_batches SET folder = ?", (folder_ / "music").string());
  EXPECT_EQ(apply().changes.size(), 1U);  // b.wav
  std::vector<std::string> states;
  for (const auto& [change, state] : tag_changes(*catalogue_, batch)) states.push_back(state);
  EXPECT_THAT(states, ElementsAre("written", "planned"));
  EXPECT_EQ(catalogue_->track(written)->bytes, bytes_of_file(written));
  EXPECT_FALSE(fs::exists(folder_ / "music/.a.wav.genrewise-tag-0123abcd"));
  fs::rename(folder_ / "elsewhere", gone);
  EXPECT_EQ(undo_tags(*catalogue_, batch, runtime_).changes.size(), 2U);
  EXPECT_TRUE(read_file(written) == bytes_a);
}

TEST_F(EditTags, UndoCompletesAnUndoThatWasKilledAfterItsRename) {
  const auto path = add_song("a.wav");
  const std::string bytes = read_file(path);
  apply();
  write_file(path, bytes);
  EXPECT_EQ(undo_tags(*catalogue_, 0, runtime_).changes.size(), 1U);
  EXPECT_EQ(tag_history(*catalogue_).at(0).undone, 1U);
}

TEST_F(EditTags, ReportsAJournalThatIsDamagedAndKeepsTheFile) {
  const auto path = add_song("a.wav");
  apply();
  const std::string bytes = read_file(path);
  sql("UPDATE tag_changes SET patch = x'00'");
  EXPECT_EQ(reasons(undo_tags(*catalogue_, 0, runtime_).skipped), "1 journal is damaged");
  EXPECT_TRUE(read_file(path) == bytes);
}

TEST_F(EditTags, AnInterruptLeavesAListOfWhatIsDone) {
  struct StopAfterOne : Progress {
    explicit StopAfterOne(Runtime& stopped) : runtime(stopped) {}
    void begin(std::string_view task, std::string_view, std::uint64_t, std::uint64_t) override {
      writing = task == "writing tags";
    }
    void advance(std::uint64_t) override {
      if (writing) runtime.request_interrupt();
    }
    Runtime& runtime;
    bool writing = false;
  } progress{runtime_};
  runtime_.set_progress(progress);
  add_song("a.wav"), add_song("b.wav");
  const auto stopped = apply();
  EXPECT_THROW(std::rethrow_exception(stopped.stopped), Interrupted);
  EXPECT_EQ(stopped.changes.size(), 1U);
  runtime_.clear_interrupt();
  EXPECT_EQ(tag_history(*catalogue_).at(0).files, 1U);
  EXPECT_EQ(apply().changes.size(), 1U);
}

TEST_F(EditTags, ListsBatchesLatestFirst) {
  add_song("a.wav");
  apply_tags(*catalogue_, plan(), "tag first", runtime_);
  apply_tags(*catalogue_, plan({.mode = TagMode::replace, .values = {"X"}}), "tag second", runtime_);
  undo_tags(*catalogue_, 0, runtime_);
  const auto history = tag_history(*catalogue_);
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[0].command, "tag second");
  EXPECT_EQ(history[0].undone, 1U);
  EXPECT_EQ(history[1].undone, 0U);
  const auto changes = tag_changes(*catalogue_, 0);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].second, "written");
  EXPECT_EQ(changes[0].first.after, Values({"Rock"}));
}

}  // namespace
}  // namespace genrewise
