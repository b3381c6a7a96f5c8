#include "genrewise/library/catalogue.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include "catalogue_fixture.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"

namespace genrewise {
namespace {

using testing::CatalogueTest;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::FieldsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST_F(CatalogueTest, ReturnsATrackAsItWasWritten) {
  CatalogueTrack track = this->track("/music/a\n\xff.mp3", {0.2F, 0, 0.8F});
  track.bytes = 1ull << 40;
  track.modified_ns = -5;
  track.fingerprint = "00ff";
  track.duration_s = 61.5;
  track.tags = {{"Rock", "Pop"}, "Björk", "Various", "Début", "a'b\"c", 3, 1993};
  track.novelty = 1.5;
  track.correction = "Jazz";
  const std::int64_t id = add(track);
  const std::vector<Segment> segments = {{0, 30, {0.4F, 0, 0.6F}}, {30.5, 30, {0, 0, 1}}};
  write_segments(catalogue_->database(), id, segments);
  const auto read = Catalogue(file_).track(id);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->path, track.path);
  EXPECT_EQ(read->bytes, track.bytes);
  EXPECT_EQ(read->modified_ns, -5);
  EXPECT_EQ(read->fingerprint, "00ff");
  EXPECT_EQ(read->duration_s, 61.5);
  EXPECT_EQ(read->tags.genres, track.tags.genres);
  EXPECT_EQ(read->tags.artist, "Björk");
  EXPECT_EQ(read->tags.album_artist, "Various");
  EXPECT_EQ(read->tags.album, "Début");
  EXPECT_EQ(read->tags.title, "a'b\"c");
  EXPECT_EQ(read->tags.track, 3);
  EXPECT_EQ(read->tags.year, 1993);
  EXPECT_EQ(read->novelty, 1.5);
  EXPECT_EQ(read->predicted, "Rock");
  EXPECT_EQ(read->genre(), "Jazz");
  EXPECT_EQ(read->model, model_);
  EXPECT_THAT(read->probabilities, ::testing::Pointwise(::testing::FloatEq(), track.probabilities));
  ASSERT_EQ(read->segments.size(), 2u);
  EXPECT_EQ(read->segments[1].start_s, 30.5);
  EXPECT_THAT(read->segments[0].probabilities, ::testing::Pointwise(::testing::FloatEq(), {0.4F, 0.F, 0.6F}));
}

TEST_F(CatalogueTest, ReplacesATrackAndKeepsItsRows) {
  CatalogueTrack track = this->track("/a", {0, 0, 1});
  track.id = add(track);
  write_features(catalogue_->database(), track.id, 1, std::vector<float>{1, 2});
  track.path = "/b";
  EXPECT_EQ(add(track), track.id);
  EXPECT_FALSE(catalogue_->track(std::filesystem::path("/a")));
  EXPECT_EQ(catalogue_->track(std::filesystem::path("/x/../b"))->id, track.id);
  EXPECT_THAT(catalogue_->stored_features(), ElementsAre(Pair(FeatureRecipe{"two", 1, "hash"}, 1)));
}

TEST_F(CatalogueTest, StoresRowsThatFloat16CannotHold) {
  for (const std::vector<float>& row : {std::vector<float>{1, -0.5, 65504}, {1, 2, 1e6f}}) {
    std::vector<float> read(3);
    unpack(packed(row), read);
    EXPECT_EQ(read, row);
  }
  std::vector<float> read(4);
  EXPECT_THAT(error_message([&] { unpack(packed(std::vector<float>{1, 2}), read); }), HasSubstr("4 bytes"));
}

TEST_F(CatalogueTest, CountsGenresAndListsThoseOfTheModel) {
  add(track("/1", {0, 0, 1}));
  add(track("/2", {0, 0, 1}));
  add(track("/3", {0.34f, 0.33f, 0.33f}));
  add(track("/4"));
  CatalogueTrack missing = track("/5", {0, 1, 0});
  missing.missing = true;
  add(missing);
  EXPECT_THAT(catalogue_->genres(), ElementsAre(Pair("Rock", 2), Pair("unknown", 1), Pair("Jazz", 0), Pair("Pop", 0)));
}

TEST_F(CatalogueTest, ACorrectionWinsAndCanBeRemoved) {
  const std::int64_t ids[] = {add(track("/1", {0, 0, 1})), add(track("/2", {0.34f, 0.33f, 0.33f})), add(track("/3"))};
  catalogue_->correct(ids, "Zouk");
  EXPECT_THAT(catalogue_->genres().front(), Pair("Zouk", 3));
  catalogue_->correct(ids, "");
  EXPECT_EQ(catalogue_->track(ids[0])->genre(), "Rock");
  EXPECT_EQ(catalogue_->track(ids[1])->genre(), "unknown");
  EXPECT_EQ(catalogue_->track(ids[2])->genre(), "");
}

TEST_F(CatalogueTest, ReadsNoSegmentsOfATrackWithoutProbabilities) {
  const std::int64_t id = add(track("/1", {0, 0, 1}));
  write_segments(catalogue_->database(), id, std::vector<Segment>{{0, 30, {0, 0, 1}}});
  catalogue_->database().run("UPDATE tracks SET probabilities = NULL");
  EXPECT_THAT(catalogue_->track(id)->segments, IsEmpty());
}

TEST_F(CatalogueTest, RefusesGenresWithControlCharactersAndLongOnes) {
  const std::int64_t ids[] = {add(track("/1", {0, 0, 1}))};
  for (const std::string& genre : {std::string("Acid\nJazz"), std::string(201, 'x')})
    EXPECT_THROW(catalogue_->correct(ids, genre), UsageError);
  EXPECT_EQ(catalogue_->track(ids[0])->genre(), "Rock");
}

TEST_F(CatalogueTest, ForgetsATrackWithItsRows) {
  const std::int64_t id = add(track("/1", {0, 0, 1}));
  write_features(catalogue_->database(), id, 1, std::vector<float>{1, 2});
  write_segments(catalogue_->database(), id, {});
  catalogue_->forget(std::vector{id});
  EXPECT_FALSE(catalogue_->track(id));
  EXPECT_THAT(catalogue_->stored_features(), IsEmpty());
}

TEST_F(CatalogueTest, AModelIsStoredOnceAndItsThresholdMarksItsTracks) {
  const std::int64_t id = add(track("/1", {0.25, 0.25, 0.5}));
  add_model("b.gwm");
  EXPECT_EQ(catalogue_->current_model()->name, "b.gwm");
  const auto models = catalogue_->models();
  CatalogueModel model = *std::ranges::find(models, model_, &CatalogueModel::id);
  EXPECT_EQ(model.threshold, 0.4);
  model.threshold = 0.75;
  EXPECT_EQ(write_model(catalogue_->database(), model, 2), model_);
  EXPECT_EQ(catalogue_->models().size(), 2u);
  EXPECT_EQ(catalogue_->current_model()->name, "a.gwm");
  EXPECT_TRUE(catalogue_->track(id)->unknown);
  model.threshold.reset();
  write_model(catalogue_->database(), model, 2);
  EXPECT_FALSE(catalogue_->track(id)->unknown);
}

TEST_F(CatalogueTest, KeepsLabelsThatAreNotUtf8) {
  CatalogueModel model;
  model.name = model.sha256 = "latin1";
  model.labels = {"caf\xe9", "caf\xe8"};
  write_model(catalogue_->database(), model, 2);
  EXPECT_EQ(catalogue_->current_model()->labels, model.labels);
}

TEST_F(CatalogueTest, LabelsThatAreNoListAreDamage) {
  add_model("b.gwm");
  for (const char* labels : {"", "[1]", "{}", "[\"Jazz\""}) {
    catalogue_->database().query("UPDATE models SET labels = ?", labels).run();
    EXPECT_THAT(error_message([&] { catalogue_->models(); }), HasSubstr("labels is no list of texts"));
  }
}

TEST_F(CatalogueTest, OneWriterAndManyReaders) {
  add(track("/1"));
  EXPECT_THAT(error_message([&] { Catalogue(file_, Catalogue::Access::write); }),
              HasSubstr("another genrewise changes this catalogue"));
  EXPECT_THROW(Catalogue(file_, Catalogue::Access::write), CatalogueBusy);
  const Catalogue one(file_), other(file_);
  EXPECT_TRUE(one.track(1) && other.track(1));
  const std::int64_t version = one.data_version();
  EXPECT_EQ(one.data_version(), version);
  catalogue_->correct(std::vector<std::int64_t>{1}, "Jazz");
  EXPECT_NE(one.data_version(), version);
  catalogue_.reset();
  const Catalogue next(file_, Catalogue::Access::write);
  EXPECT_TRUE(next.track(1));
}

TEST_F(CatalogueTest, RefusesOtherFilesAndLeavesThemAsTheyAre) {
  EXPECT_THAT(error_message([&] { Catalogue(folder_ / "none.db"); }), HasSubstr("genrewise library scan"));
  write_file(folder_ / "text.db", std::string(5000, 'x'));
  {
    Database other(folder_ / "other.db", Database::Mode::create);
    other.script("PRAGMA journal_mode = DELETE; CREATE TABLE t (x)");
  }
  catalogue_->database().script("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)");
  catalogue_.reset();
  for (const auto& [file, problem] : {std::pair(folder_ / "text.db", "is not a catalogue"),
                                      {folder_ / "other.db", "another program"},
                                      {file_, "99"}}) {
    const std::string before = read_file(file);
    for (const auto access : {Catalogue::Access::read, Catalogue::Access::write})
      EXPECT_THAT(error_message([&] { Catalogue(file, access); }), HasSubstr(problem));
    EXPECT_EQ(read_file(file), before);
  }
}

TEST_F(CatalogueTest, ReportsADamagedFileAndKeepsACopy) {
  for (int i = 0; i < 2000; ++i) add(track("/" + std::to_string(i)));
  catalogue_->database().script("PRAGMA wal_checkpoint(TRUNCATE)");
  catalogue_.reset();
  std::string bytes = read_file(file_);
  for (std::size_t page = 5; page < 20; ++page) bytes.replace(page * 4096, 2048, std::string(2048, '\x7f'));
  write_file(file_, bytes);
  EXPECT_THAT(error_message([&] { Catalogue(file_, Catalogue::Access::write); }),
              ::testing::AllOf(HasSubstr("is damaged"), HasSubstr("library.db.damaged")));
  EXPECT_EQ(read_file(file_), bytes);
  const std::string copy = file_.string() + ".damaged";
  EXPECT_EQ(read_file(copy), bytes);
  write_file(copy, "earlier");
  EXPECT_THAT(error_message([&] { Catalogue(file_, Catalogue::Access::write); }), HasSubstr("is damaged"));
  EXPECT_EQ(read_file(copy), "earlier");
}

TEST_F(CatalogueTest, AnEmptyFileBecomesACatalogue) {
  write_file(folder_ / "empty.db", "");
  EXPECT_THAT(error_message([&] { Catalogue(folder_ / "empty.db"); }), HasSubstr("genrewise library scan"));
  Catalogue catalogue(folder_ / "empty.db", Catalogue::Access::write);
  EXPECT_THAT(catalogue.genres(), IsEmpty());
  EXPECT_FALSE(catalogue.current_model());
}

TEST_F(CatalogueTest, HoldsWholeTransactionsAfterAKill) {
  catalogue_.reset();
  Rng rng(7);
  for (int round = 0; round < 8; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      Catalogue catalogue(file_, Catalogue::Access::write);
      for (int i = 0;; ++i)
        catalogue.database().transaction([&] {
          for (const char* half : {"a", "b"})
            write_track(catalogue.database(), track("/" + std::to_string(getpid()) + "/" + std::to_string(i) + half));
        });
    }
    usleep(static_cast<useconds_t>(10'000 + rng.below(60'000)));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const Catalogue catalogue(file_, Catalogue::Access::write);
    auto odd = catalogue.database().query("SELECT count(*) % 2 FROM tracks");
    odd.next();
    EXPECT_EQ(odd.integer(0), 0);
  }
}

TEST(DefaultCatalogue, FollowsTheEnvironment) {
  const testing::Environment home("HOME", "/home/me"), data("XDG_DATA_HOME", ""), file("GENREWISE_LIBRARY", "");
  EXPECT_EQ(default_catalogue(), "/home/me/.local/share/genrewise/library.db");
  {
    const testing::Environment other("XDG_DATA_HOME", "/data");
    EXPECT_EQ(default_catalogue(), "/data/genrewise/library.db");
    const testing::Environment named("GENREWISE_LIBRARY", "/x.db");
    EXPECT_EQ(default_catalogue(), "/x.db");
  }
  const testing::Environment none("HOME", "");
  EXPECT_THAT(error_message(default_catalogue), HasSubstr("--library"));
}

}  // namespace
}  // namespace genrewise
