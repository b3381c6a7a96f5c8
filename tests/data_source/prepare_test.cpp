#include "genrewise/data_source/prepare.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "audio/wav_writer.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/data_source/row_journal.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

constexpr int kRate = 8000;

/// Feature set of two numbers: length and first sample. Counts its calls, and can request an interruption.
class FakeSet : public StoredFeatureSet {
 public:
  explicit FakeSet(int version = 1, std::string name = "fake", std::size_t least_samples = 10)
      : StoredFeatureSet({std::move(name), version, "hash" + std::to_string(version)},
                         {{"length", "value", "01"}, {"first", "value", "01"}}),
        least_samples_(least_samples) {}
  Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const override {
    if (++calls == interrupt_at) request_interrupt();
    if (calls == 1 && at_first_call) at_first_call();
    const std::vector<float>& samples = clip.waveform().samples;
    if (samples.size() < least_samples_) return tl::unexpected(Fault{"too short", "", "takes more samples"});
    out[0] = static_cast<float>(samples.size());
    out[1] = samples[0];
    return {};
  }

  mutable std::atomic<int> calls = 0;
  int interrupt_at = -1;
  std::function<void()> at_first_call;

 private:
  std::size_t least_samples_;
};

/// Records notes.
struct Notes : Progress {
  void note(std::string_view text) override { texts.emplace_back(text); }
  std::vector<std::string> texts;
};

constexpr int kLeast = 2000;  // samples of the shortest clip that is used: 0.25 s

/// A square wave of the highest frequency.
std::string square_wave(int samples, float amplitude) {
  std::vector<float> wave(static_cast<std::size_t>(samples));
  for (std::size_t i = 0; i < wave.size(); ++i) wave[i] = i % 2 == 0 ? amplitude : -amplitude;
  return testing::wav_of(wave, 1, kRate);
}

class Prepare : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_interrupt();
    dataset_.name = "made";
    dataset_.kind = "folder";
    dataset_.labels = {"A"};
    for (int i = 0; i < 12; ++i) add(std::to_string(i), kLeast + i);
  }
  void TearDown() override { clear_interrupt(); }

  void add(const std::string& id, int samples) {
    write_file(folder_ / (id + ".wav"), square_wave(samples, static_cast<float>(samples) / 10000));
    Track track;
    track.id = id;
    track.path = folder_ / (id + ".wav");
    track.label = 0;
    dataset_.tracks.push_back(track);
  }
  PrepareResult extract(const FakeSet& set, int threads = 1) {
    return extract_features(dataset_, set, output_, quiet_, threads);
  }
  nlohmann::json facts() const { return nlohmann::json::parse(read_file(output_.string() + ".json")); }
  void expect_only_the_table() const { EXPECT_THAT(out_.names(), ElementsAre("t.csv", "t.csv.json")); }

  TemporaryFolder folder_, out_;
  const std::filesystem::path output_ = out_ / "t.csv";
  Dataset dataset_;
  Progress quiet_;
};

TEST_F(Prepare, WritesARowPerClipInTheDatasetsOrder) {
  const FakeSet set;
  const PrepareResult result = extract(set, 3);
  EXPECT_EQ(result.tracks, 12u);
  EXPECT_EQ(result.extracted, 12u);
  EXPECT_EQ(result.reused, 0u);
  EXPECT_GT(result.extract_s, 0);
  const FeatureTable table = read_feature_table(output_);
  EXPECT_EQ(table.recipe, set.recipe());
  EXPECT_EQ(table.columns, set.columns());
  ASSERT_EQ(table.track_ids.size(), 12u);
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(table.track_ids[i], std::to_string(i));
    EXPECT_EQ(table.values(i, 0), static_cast<float>(kLeast + i));
    EXPECT_EQ(table.values(i, 1), static_cast<float>(kLeast + i) / 10000);
  }
  expect_only_the_table();
}

TEST_F(Prepare, WritesTheSameBytesForAnyNumberOfThreads) {
  write_file(dataset_.tracks[4].path, "no audio at all");
  extract(FakeSet(), 1);
  const std::string table = read_file(output_), json = read_file(output_.string() + ".json");
  std::filesystem::remove(output_);
  extract(FakeSet(), 4);
  EXPECT_EQ(read_file(output_), table);
  EXPECT_EQ(read_file(output_.string() + ".json"), json);
}

TEST_F(Prepare, SkipsUnusableClipsAndStoresTheReasons) {
  write_file(dataset_.tracks[1].path, "");
  write_file(dataset_.tracks[7].path, "text with an audio file name, long enough for a format check of the file");
  std::filesystem::remove(dataset_.tracks[9].path);
  add("short", 5);
  const PrepareResult result = extract(FakeSet(), 2);
  EXPECT_EQ(result.extracted, 9u);
  ASSERT_EQ(result.skipped.size(), 4u);
  EXPECT_EQ(result.skipped[0].reason, "empty file");
  EXPECT_EQ(result.skipped[1].reason, "not audio");
  EXPECT_EQ(result.skipped[2].reason, "cannot be opened");
  EXPECT_EQ(result.skipped[3].reason, "too short");
  EXPECT_THAT(result.skipped[3].where, HasSubstr("short.wav"));
  EXPECT_EQ(facts()["skipped"].size(), 4u);
  EXPECT_EQ(facts()["skipped"][1]["reason"], "not audio");
  EXPECT_EQ(facts()["source"]["tracks"], 13);
  EXPECT_EQ(read_feature_table(output_).track_ids.size(), 9u);
}

TEST_F(Prepare, TriesAClipAgainThatCanBeOpenedNow) {
  extract(FakeSet());
  const std::string whole = read_file(output_);
  std::filesystem::remove(output_);
  const std::filesystem::path clip = dataset_.tracks[4].path, away = folder_ / "away";
  FakeSet set;
  set.at_first_call = [&] { std::filesystem::rename(clip, away); };  // a folder that is not there for a moment
  EXPECT_EQ(extract(set).skipped.size(), 1u);
  std::filesystem::rename(away, clip);
  const FakeSet again;
  EXPECT_THAT(extract(again).skipped, ::testing::IsEmpty());
  EXPECT_EQ(again.calls, 1);
  EXPECT_EQ(read_file(output_), whole);
}

TEST_F(Prepare, ContinuesAfterAnInterruption) {
  FakeSet set;
  set.interrupt_at = 5;
  EXPECT_THROW(extract(set), Interrupted);
  EXPECT_THAT(out_.names(), ElementsAre("t.csv.partial"));
  clear_interrupt();
  const FakeSet second;
  const PrepareResult result = extract(second);
  EXPECT_EQ(result.reused, 5u);
  EXPECT_EQ(result.extracted, 7u);
  EXPECT_EQ(second.calls, 7);
  const std::string resumed = read_file(output_);
  std::filesystem::remove(output_);
  extract(FakeSet());
  EXPECT_EQ(read_file(output_), resumed);
  expect_only_the_table();
}

TEST_F(Prepare, ContinuesFromATruncatedJournal) {
  FakeSet set;
  set.interrupt_at = 8;
  EXPECT_THROW(extract(set), Interrupted);
  clear_interrupt();
  const std::string journal = read_file(output_.string() + ".partial");
  write_file(output_.string() + ".partial", journal.substr(0, journal.size() - 17));
  const PrepareResult result = extract(FakeSet());
  EXPECT_EQ(result.reused, 7u);
  EXPECT_EQ(read_feature_table(output_).track_ids.size(), 12u);
}

TEST_F(Prepare, DoesNotMixRecipesWhenContinuing) {
  FakeSet set;
  set.interrupt_at = 8;
  EXPECT_THROW(extract(set), Interrupted);
  clear_interrupt();
  EXPECT_EQ(extract(FakeSet(2)).reused, 0u);
}

TEST_F(Prepare, ExtractsAChangedFileAgain) {
  FakeSet set;
  set.interrupt_at = 8;
  EXPECT_THROW(extract(set), Interrupted);
  clear_interrupt();
  dataset_.tracks.pop_back();
  add("11", kLeast + 500);  // not reached before
  dataset_.tracks.erase(dataset_.tracks.begin());
  write_file(dataset_.tracks[0].path, square_wave(kLeast + 50, 0.25f));
  const PrepareResult result = extract(FakeSet());
  EXPECT_EQ(result.reused, 6u);
  const FeatureTable table = read_feature_table(output_);
  EXPECT_EQ(table.values(0, 0), kLeast + 50);
  EXPECT_EQ(table.values(table.values.rows() - 1, 0), kLeast + 500);
}

TEST_F(Prepare, LeavesACompleteTableUnchanged) {
  write_file(dataset_.tracks[1].path, "");
  extract(FakeSet());
  const FakeSet again;
  const PrepareResult result = extract(again);
  EXPECT_EQ(again.calls, 0);
  EXPECT_EQ(result.extracted, 0u);
  EXPECT_EQ(result.reused, 11u);
  ASSERT_EQ(result.skipped.size(), 1u);
  EXPECT_EQ(result.skipped[0].reason, "empty file");
  add("new", kLeast + 300);
  const PrepareResult more = extract(FakeSet());
  EXPECT_EQ(more.extracted, 1u);
  EXPECT_EQ(more.reused, 11u);
  expect_only_the_table();
}

TEST_F(Prepare, TakesOverRowsOfAFinishedTableWhoseClipsAreTheSame) {
  extract(FakeSet());
  add("new", kLeast + 300);
  write_file(dataset_.tracks[2].path, square_wave(kLeast + 50, 0.25f));
  std::swap(dataset_.tracks[0], dataset_.tracks[5]);
  const FakeSet again;
  Notes notes;
  const PrepareResult result = extract_features(dataset_, again, output_, notes);
  EXPECT_EQ(again.calls, 2);
  EXPECT_EQ(result.extracted, 2u);
  EXPECT_EQ(result.reused, 11u);
  EXPECT_THAT(notes.texts, ::testing::Contains(HasSubstr("using 11 rows of " + output_.string())));
  const std::string taken_over = read_file(output_);
  std::filesystem::remove(output_);
  extract(FakeSet());
  EXPECT_EQ(read_file(output_), taken_over);
  EXPECT_EQ(extract(FakeSet(2)).reused, 0u);  // another version of the recipe
  expect_only_the_table();
}

TEST_F(Prepare, ReportsThatItReusesATable) {
  extract(FakeSet());
  Notes notes;
  extract_features(dataset_, FakeSet(), output_, notes);
  EXPECT_THAT(notes.texts, ElementsAre("using 12 rows of " + output_.string()));
}

TEST_F(Prepare, WritesATableThatIsUsableWithoutItsDataset) {
  dataset_.labels = {"A, \"b\"", "Ünï"};
  for (std::size_t i = 0; i < 12; ++i) {
    dataset_.tracks[i].label = static_cast<int>(i % 2);
    dataset_.tracks[i].artist = "artist " + std::to_string(i / 4);
    if (i < 3) dataset_.tracks[i].official_part = Part::test;
  }
  write_file(dataset_.tracks[4].path, "");
  extract(FakeSet());
  ASSERT_TRUE(is_labelled_table(output_));
  const Examples examples = read_labelled_table(output_);
  const Examples joined = join(dataset_, read_feature_table(output_));
  EXPECT_EQ(examples.name, joined.name);
  EXPECT_EQ(examples.labels, joined.labels);
  EXPECT_EQ(examples.table.recipe, FakeSet().recipe());
  EXPECT_EQ(examples.table.values, joined.table.values);
  EXPECT_EQ(examples.subjects.ids, joined.subjects.ids);
  EXPECT_EQ(examples.subjects.labels, joined.subjects.labels);
  EXPECT_EQ(examples.subjects.artists, joined.subjects.artists);
  EXPECT_EQ(examples.subjects.official, joined.subjects.official);
}

TEST_F(Prepare, UpdatesTheGenresOfAnExistingTable) {
  extract(FakeSet());
  dataset_.labels = {"Renamed"};
  const FakeSet again;
  extract(again);
  EXPECT_EQ(again.calls, 0);
  EXPECT_EQ(read_labelled_table(output_).labels, dataset_.labels);
}

TEST_F(Prepare, RecreatesATableWithDamagedFacts) {
  extract(FakeSet());
  write_file(output_.string() + ".json", "{\"source\": 7");
  EXPECT_EQ(extract(FakeSet()).extracted, 12u);
}

TEST_F(Prepare, RecreatesATableThatWasCutAtARow) {
  extract(FakeSet());
  const std::string whole = read_file(output_), facts = read_file(output_.string() + ".json");
  write_file(output_, whole.substr(0, whole.rfind('\n', whole.size() - 2) + 1));
  EXPECT_THAT(error_message([&] { read_labelled_table(output_); }),
              AllOf(HasSubstr("t.csv: has 11 rows, but t.csv.json states 12"), HasSubstr("delete both files")));
  EXPECT_EQ(extract(FakeSet()).extracted, 12u);
  EXPECT_EQ(read_file(output_), whole);
  EXPECT_EQ(read_file(output_.string() + ".json"), facts);
}

TEST_F(Prepare, NamesTheFileOfDamagedFacts) {
  extract(FakeSet());
  const std::filesystem::path sidecar = output_.string() + ".json";
  const std::string whole = read_file(sidecar);
  write_file(sidecar, whole.substr(0, whole.size() / 2));
  EXPECT_TRUE(is_labelled_table(output_));
  EXPECT_THAT(error_message([&] { read_labelled_table(output_); }), HasSubstr("t.csv.json: is not valid JSON"));
  for (const char* key :
       {"/examples/genres", "/examples/version", "/examples/artists", "/rows", "/recipe", "/source"}) {
    nlohmann::json other = nlohmann::json::parse(whole);
    other[nlohmann::json::json_pointer(key)] = {{"x", 1}};
    write_file(sidecar, other.dump());
    EXPECT_THAT(error_message([&] { read_labelled_table(output_); }), HasSubstr("its checksum does not fit")) << key;
    other.erase("sha256");  // as earlier versions wrote it
    write_file(sidecar, other.dump());
    EXPECT_THAT(error_message([&] { read_labelled_table(output_); }),
                HasSubstr("t.csv.json: a value is missing or of another type"))
        << key;
  }
  nlohmann::json fewer = nlohmann::json::parse(whole);
  fewer["examples"]["genres"].erase(0);
  fewer.erase("sha256");
  write_file(sidecar, fewer.dump());
  EXPECT_THAT(error_message([&] { read_labelled_table(output_); }), HasSubstr("another number of examples"));
}

TEST_F(Prepare, ExtractsTheClipOfTheTrack) {
  add("long", 2 * kLeast);
  dataset_.tracks.back().clip = {.start_s = 10.0 / kRate, .duration_s = (kLeast + 50.0) / kRate};
  extract(FakeSet());
  EXPECT_EQ(read_feature_table(output_).values(12, 0), kLeast + 50);
}

TEST_F(Prepare, ReportsReasonsIfNoClipIsUsable) {
  for (const Track& track : dataset_.tracks) write_file(track.path, "");
  EXPECT_THAT(error_message([&] { extract(FakeSet()); }),
              AllOf(HasSubstr("made"), HasSubstr("12 empty file"), HasSubstr("0.wav")));
  EXPECT_THAT(out_.names(), ElementsAre());
}

TEST_F(Prepare, RefusesAnInvalidOutputBeforeExtraction) {
  const FakeSet set;
  EXPECT_THROW(extract_features(dataset_, set, out_ / "table.xlsx", quiet_), Error);
  EXPECT_THROW(extract_features(dataset_, set, out_ / "no/such/t.csv", quiet_), Error);
  std::filesystem::create_directory(out_ / "folder.csv");
  EXPECT_THROW(extract_features(dataset_, set, out_ / "folder.csv", quiet_), Error);
  EXPECT_EQ(set.calls, 0);
}

TEST_F(Prepare, RefusesAnOutputThatAnotherRunIsWriting) {
  const RowJournal other(output_.string() + ".partial", std::string(64, 'x'), 2);
  EXPECT_THAT(error_message([&] { extract(FakeSet()); }), HasSubstr("another run"));
}

TEST_F(Prepare, RemovesTemporaryFilesOfAKilledRun) {
  write_file(out_ / ".t.csv.12345.tmp", "half a table");
  write_file(out_ / ".t.csv.json.99.tmp", "half its facts");
  write_file(out_ / ".other.csv.12345.tmp", "of another table");
  extract(FakeSet());
  EXPECT_THAT(out_.names(), ElementsAre(".other.csv.12345.tmp", "t.csv", "t.csv.json"));
}

/// Several tables in one pass.
class PrepareSeveral : public Prepare {
 protected:
  std::vector<PrepareResult> extract_both(const FakeSet& first, const FakeSet& second, int threads = 2) {
    return extract_features(dataset_, {{&first, out_ / "a.csv"}, {&second, out_ / "b.npy"}}, quiet_, threads);
  }
  /// Content of the two tables and their ".json".
  std::vector<std::string> contents() const {
    std::vector<std::string> all;
    for (const char* name : {"a.csv", "a.csv.json", "b.npy", "b.npy.json"}) all.push_back(read_file(out_ / name));
    return all;
  }
  /// The same tables, written one after the other.
  std::vector<std::string> contents_alone(const FakeSet& first, const FakeSet& second) {
    for (const std::string& name : out_.names()) std::filesystem::remove(out_ / name);
    extract_features(dataset_, first, out_ / "a.csv", quiet_, 1);
    extract_features(dataset_, second, out_ / "b.npy", quiet_, 1);
    return contents();
  }
};

TEST_F(PrepareSeveral, AreTheSameBytesAsAlone) {
  write_file(dataset_.tracks[3].path, "");
  const FakeSet first(1, "first"), second(1, "second", kLeast + 5);  // second cannot use five clips
  const std::vector<PrepareResult> results = extract_both(first, second);
  EXPECT_EQ(results[0].extracted, 11u);
  EXPECT_EQ(results[1].extracted, 7u);
  EXPECT_EQ(results[0].skipped.size(), 1u);
  EXPECT_EQ(results[1].skipped.size(), 5u);
  EXPECT_THAT(out_.names(), ElementsAre("a.csv", "a.csv.json", "b.npy", "b.npy.json"));
  const auto together = contents();
  EXPECT_EQ(together, contents_alone(first, second));
}

TEST_F(PrepareSeveral, ComputeOnlyTheMissingRowsOfEach) {
  FakeSet stopping(1, "first");
  stopping.interrupt_at = 4;
  EXPECT_THROW(extract_features(dataset_, stopping, out_ / "a.csv", quiet_, 1), Interrupted);
  clear_interrupt();
  FakeSet stopping_too(1, "second");
  stopping_too.interrupt_at = 9;
  EXPECT_THROW(extract_features(dataset_, stopping_too, out_ / "b.npy", quiet_, 1), Interrupted);
  clear_interrupt();
  const FakeSet first(1, "first"), second(1, "second");
  const std::vector<PrepareResult> results = extract_both(first, second);
  EXPECT_EQ(first.calls, 8);
  EXPECT_EQ(second.calls, 3);
  EXPECT_EQ(results[0].reused, 4u);
  EXPECT_EQ(results[1].reused, 9u);
  const auto resumed = contents();
  EXPECT_EQ(resumed, contents_alone(first, second));
}

TEST_F(PrepareSeveral, ContinueAfterAnInterruptionOfBoth) {
  FakeSet first(1, "first");
  const FakeSet second(1, "second");
  first.interrupt_at = 5;
  EXPECT_THROW(extract_both(first, second, 1), Interrupted);
  EXPECT_THAT(out_.names(), ElementsAre("a.csv.partial", "b.npy.partial"));
  clear_interrupt();
  const FakeSet rest(1, "first"), rest_too(1, "second");
  extract_both(rest, rest_too);
  EXPECT_EQ(rest.calls, 7);
  EXPECT_EQ(rest_too.calls, 7);
}

TEST_F(PrepareSeveral, LeaveAFinishedTableUnchanged) {
  const FakeSet first(1, "first");
  extract_features(dataset_, first, out_ / "a.csv", quiet_);
  const FakeSet again(1, "first"), second(1, "second");
  const auto results = extract_both(again, second);
  EXPECT_EQ(again.calls, 0);
  EXPECT_EQ(second.calls, 12);
  EXPECT_EQ(results[0].extracted, 0u);
  EXPECT_EQ(results[1].extracted, 12u);
}

TEST_F(PrepareSeveral, WriteTheUsableTableBeforeTheErrorOfTheOther) {
  const FakeSet first(1, "first"), second(1, "second", 100000);
  EXPECT_THAT(error_message([&] { extract_both(first, second); }), HasSubstr("12 too short"));
  EXPECT_THAT(out_.names(), ElementsAre("a.csv", "a.csv.json"));
}

TEST_F(PrepareSeveral, RefuseAnInvalidOutputBeforeExtraction) {
  const FakeSet first(1, "first"), second(1, "second");
  EXPECT_THROW(extract_features(dataset_, {{&first, out_ / "a.csv"}, {&second, out_ / "b.txt"}}, quiet_), Error);
  const RowJournal other(out_ / "b.npy.partial", std::string(64, 'x'), 2);
  EXPECT_THAT(error_message([&] { extract_both(first, second); }), HasSubstr("another run"));
  EXPECT_EQ(first.calls, 0);
  EXPECT_THAT(out_.names(), ElementsAre("b.npy.partial"));
}

}  // namespace
}  // namespace genrewise
