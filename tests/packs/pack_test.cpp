#include "genrewise/packs/pack.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <numeric>
#include <set>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/packs/pack_values.hpp"
#include "genrewise/records/record_reader.hpp"
#include "genrewise/storage/files.hpp"
#include "support/every_target.hpp"
#include "support/pack_fixture.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using namespace testing;

Progress quiet;

TEST(Pack, ContainsEveryExampleOnceAndListsItInTheManifest) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 50);
  EXPECT_EQ(manifest.size(), 50u);
  ASSERT_EQ(manifest.shards.size(), 4u);
  EXPECT_EQ(manifest.shards[0].file, "numbers-00-12.tfrec");
  EXPECT_EQ(manifest.shards[3].file, "numbers-03-13.tfrec");
  EXPECT_EQ(manifest.labels, numbered_job(1).labels);
  std::set<std::string> seen;
  ExampleView view;
  for (const auto& shard : manifest.shards) {
    RecordReader reader((folder / "pack" / shard.file).string());
    Record record;
    for (std::size_t k = 0; reader.next(record).value(); ++k) {
      ASSERT_TRUE(view.parse(record.payload));
      const auto& promised = shard.records.at(k);
      EXPECT_EQ(promised.offset, record.offset);
      const std::size_t number = number_of(promised.track_id);
      std::vector<float> values(kValues), one_hot(3);
      ASSERT_TRUE(decode_song(view, StoredAs::float32, values));
      EXPECT_EQ(values, values_of(number));
      std::int64_t label = -1;
      view.find("class")->copy(std::span(&label, 1));
      EXPECT_EQ(label, static_cast<std::int64_t>(number % 3));
      EXPECT_EQ(view.find("one_hot_class")->copy(std::span(one_hot)), 3u);
      EXPECT_EQ(one_hot[static_cast<std::size_t>(label)], 1);
      EXPECT_EQ(one_hot[0] + one_hot[1] + one_hot[2], 1);
      std::string_view id;
      view.find("track_id")->copy(std::span(&id, 1));
      EXPECT_TRUE(seen.insert(std::string(id)).second);
      EXPECT_EQ(id, promised.track_id);
      EXPECT_EQ(promised.part, numbered_job(50).parts[number]);
    }
  }
  EXPECT_EQ(seen.size(), 50u);
  EXPECT_TRUE(verify_pack(manifest).empty());
  EXPECT_EQ(TemporaryFolder().names().size(), 0u);
  EXPECT_FALSE(fs::exists(folder / "pack" / ".pack"));
}

TEST(Pack, IsShuffledBySeedAndIndependentOfTheOrderOfItsInput) {
  const TemporaryFolder folder;
  packed(folder / "a", 40);
  auto job = numbered_job(40);
  std::ranges::reverse(job.track_ids);
  std::ranges::reverse(job.classes);
  std::ranges::reverse(job.parts);
  job.extract = [&](std::size_t i, int, std::span<float> out) -> Expected<void> {
    std::ranges::copy(values_of(39 - i), out.begin());
    return {};
  };
  pack_examples(job, folder / "b", {.shards = 4}, quiet);
  EXPECT_EQ(contents_of(folder / "a"), contents_of(folder / "b"));
  packed(folder / "c", 40, {.shards = 4, .seed = 43});
  const auto a = open_pack(folder / "a"), c = open_pack(folder / "c");
  EXPECT_NE(a.shards[0].records[0].track_id + a.shards[0].records[1].track_id,
            c.shards[0].records[0].track_id + c.shards[0].records[1].track_id);
}

TEST(Pack, IsTheSameForAnyNumberOfThreads) {
  const TemporaryFolder folder;
  auto job = numbered_job(60);
  job.extract = [](std::size_t i, int, std::span<float> out) -> Expected<void> {
    if (i % 7 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (i % 11 == 5) return tl::unexpected(Fault{"too short", "t" + std::to_string(i), ""});
    std::ranges::copy(values_of(i), out.begin());
    return {};
  };
  pack_examples(job, folder / "one", {.shards = 5, .threads = 1}, quiet);
  const auto result = pack_examples(job, folder / "four", {.shards = 5, .threads = 4}, quiet);
  EXPECT_EQ(contents_of(folder / "one"), contents_of(folder / "four"));
  EXPECT_EQ(result.examples, 55u);
  EXPECT_EQ(result.skipped.size(), 5u);
  EXPECT_EQ(open_pack(folder / "four").skipped.size(), 5u);
}

/// SequenceExamples with names of the user's.
const RecordForm kSteps{.features = "mélodie", .label = "genre", .id = "clip", .steps = kValues};

class PackForms : public ::testing::TestWithParam<std::tuple<StoredAs, Compression, RecordForm>> {};

TEST_P(PackForms, SurviveInterruptionsWithoutGapOrDuplicate) {
  const TemporaryFolder folder;
  const auto [stored_as, compression, form] = GetParam();
  const PackConfig config{.shards = 3, .stored_as = stored_as, .compression = compression, .form = form, .threads = 2};
  auto job = numbered_job(30);
  const auto extract = [](std::size_t i, int, std::span<float> out) -> Expected<void> {
    if (i % 9 == 4) return tl::unexpected(Fault{"damaged", "t" + std::to_string(i), "cannot"});
    std::ranges::copy(values_of(i), out.begin());
    return {};
  };
  job.extract = extract;
  pack_examples(job, folder / "whole", config, quiet);
  for (int stop_at = 1; stop_at < 30; stop_at += 3) {
    std::atomic<int> made{0};
    job.extract = [&](std::size_t i, int worker, std::span<float> out) {
      if (++made == stop_at) request_interrupt();
      return extract(i, worker, out);
    };
    EXPECT_THROW(pack_examples(job, folder / "stopped", config, quiet), Interrupted);
    clear_interrupt();
    job.extract = extract;
    EXPECT_THROW(open_pack(folder / "stopped"), Error);
    const auto result = pack_examples(job, folder / "stopped", config, quiet);
    EXPECT_EQ(result.examples, 27u);
    ASSERT_EQ(contents_of(folder / "stopped"), contents_of(folder / "whole")) << stop_at;
    fs::remove_all(folder / "stopped");
  }
  const PackManifest manifest = open_pack(folder / "whole");
  EXPECT_TRUE(verify_pack(manifest).empty());
  EXPECT_EQ(manifest.loss.has_value(), stored_as != StoredAs::float32);
  EXPECT_EQ(manifest.loss.value_or(PackLoss{}).largest_error > 0, stored_as == StoredAs::uint8);
}

struct Notes final : Progress {
  void note(std::string_view text) override { all += std::string(text) + "\n"; }
  std::string all;
};

TEST(Pack, StatesHowManyExamplesAnEarlierRunHandled) {
  const TemporaryFolder folder;
  auto job = numbered_job(30);
  const auto extract = job.extract;
  std::atomic<int> made{0};
  job.extract = [&](std::size_t i, int worker, std::span<float> out) {
    if (++made == 20) request_interrupt();
    return extract(i, worker, out);
  };
  Notes first, second;
  EXPECT_THROW(pack_examples(job, folder / "pack", {.shards = 3, .threads = 1}, first), Interrupted);
  clear_interrupt();
  pack_examples(job, folder / "pack", {.shards = 3, .threads = 1}, second);
  EXPECT_EQ(first.all, "");
  EXPECT_THAT(second.all, ::testing::EndsWith(" of 30 examples were handled by an earlier run\n"));
}

TEST_P(PackForms, SurviveAKillAtAnyMoment) {
  const TemporaryFolder folder;
  const auto [stored_as, compression, form] = GetParam();
  const PackConfig config{.shards = 3, .stored_as = stored_as, .compression = compression, .form = form, .threads = 1};
  const auto job = numbered_job(12);
  pack_examples(job, folder / "whole", config, quiet);
  // A kill leaves a prefix of the records, of the journal, and of the steps that finish a shard. Truncates the records
  // of the current shard at every fifth byte, and its journal at some byte.
  auto stopping = job;
  stopping.extract = [&, made = 0](std::size_t i, int worker, std::span<float> out) mutable -> Expected<void> {
    if (++made == 8) throw Error("the power fails");
    return job.extract(i, worker, out);
  };
  EXPECT_THROW(pack_examples(stopping, folder / "template", config, quiet), Error);
  const auto partial = read_file(folder / "template" / ".pack" / "01.tfrec");
  const auto journal = read_file(folder / "template" / ".pack" / "01.journal");
  ASSERT_GT(partial.size(), 100u);
  for (std::size_t cut = 0; cut < partial.size(); cut += 5) {
    fs::copy(folder / "template", folder / "killed", fs::copy_options::recursive);
    put_file(folder / "killed" / ".pack" / "01.tfrec", partial.substr(0, cut));
    put_file(folder / "killed" / ".pack" / "01.journal", journal.substr(0, journal.size() * cut / partial.size()));
    pack_examples(job, folder / "killed", config, quiet);
    ASSERT_EQ(contents_of(folder / "killed"), contents_of(folder / "whole")) << cut;
    fs::remove_all(folder / "killed");
  }
}

INSTANTIATE_TEST_SUITE_P(All, PackForms,
                         ::testing::Values(std::tuple(StoredAs::float32, Compression::none, RecordForm()),
                                           std::tuple(StoredAs::float16, Compression::gzip, RecordForm()),
                                           std::tuple(StoredAs::uint8, Compression::zlib, RecordForm()),
                                           std::tuple(StoredAs::float32, Compression::none, kSteps),
                                           std::tuple(StoredAs::uint8, Compression::gzip, kSteps)),
                         [](const auto& each) {
                           return std::string(to_string(std::get<0>(each.param))) +
                                  (std::get<2>(each.param).steps > 0 ? "InSteps" : "");
                         });

TEST(PackForm, IsThatOfTheRecordsAndInTheManifest) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 9, {.shards = 2, .form = kSteps});
  EXPECT_EQ(manifest.form, kSteps);
  RecordReader reader(folder / "pack" / manifest.shards[0].file);
  ExampleView view;
  Record record;
  ASSERT_TRUE(reader.next(record).value());
  ASSERT_TRUE(view.parse(record.payload));
  std::vector<std::string_view> keys;
  for (const auto& entry : view.entries()) keys.push_back(entry.key);
  EXPECT_THAT(keys, ElementsAre("genre", "one_hot_genre", "clip"));
  ASSERT_EQ(view.sequences().size(), 1u);
  EXPECT_EQ(view.sequences()[0].key, "mélodie");
  EXPECT_EQ(view.sequences()[0].steps.size(), kValues);
  EXPECT_EQ(view.text("clip"), manifest.shards[0].records[0].track_id);
}

TEST(PackForm, ChangesNoValueInAnyStorage) {
  const TemporaryFolder folder;
  for (const StoredAs stored : {StoredAs::float32, StoredAs::float16, StoredAs::uint8}) {
    const auto values = [&](const RecordForm& form, const char* name) {
      const auto manifest = packed(folder / (name + std::string(to_string(stored))), 20,
                                   {.shards = 2, .stored_as = stored, .form = form});
      EXPECT_TRUE(verify_pack(manifest).empty());
      BatchReader reader(manifest, {.batch_size = 20});
      Batch batch;
      EXPECT_TRUE(reader.next(batch));
      EXPECT_EQ(batch.size, 20u);
      return std::pair(batch.features, batch.labels);
    };
    EXPECT_EQ(values(kSteps, "steps"), values({}, "examples"));
    EXPECT_EQ(values({.features = "x", .label = "y", .id = "z"}, "keys"), values({}, "examples"));
  }
}

TEST(PackManifest, StatesNoMoreValuesThanItsRecordsCanHold) {
  const TemporaryFolder folder;
  for (const auto& [stored, bytes] : {std::pair(StoredAs::float32, 4), {StoredAs::float16, 2}, {StoredAs::uint8, 1}}) {
    auto manifest = packed(folder / std::string(to_string(stored)), 1, {.shards = 1, .stored_as = stored});
    const std::uint64_t most = manifest.shards[0].records[0].payload_bytes / static_cast<std::uint64_t>(bytes);
    manifest.values = most;
    EXPECT_EQ(parse_manifest(to_json(manifest), "m").values, most);
    manifest.values = most + 1;
    EXPECT_THAT(error_message([&] { parse_manifest(to_json(manifest), "m"); }), HasSubstr("too few for"));
  }
}

TEST(PackForm, IsRefusedIfItCannotBeWritten) {
  const TemporaryFolder folder;
  const auto with = [&](RecordForm form) {
    return error_message([&] { packed(folder / "pack", 8, {.shards = 2, .form = form}); });
  };
  EXPECT_THAT(with({.features = ""}), HasSubstr("--record-features"));
  EXPECT_THAT(with({.features = "class"}), HasSubstr("--record-features"));
  EXPECT_THAT(with({.features = "x", .label = "x_range"}), HasSubstr("--record-label"));
  EXPECT_THAT(with({.id = "one_hot_class"}), HasSubstr("--record-id"));
  EXPECT_THAT(with({.steps = 3}), HasSubstr("7 values cannot be divided into 3 equal steps"));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(PackForm, OfAnotherPackInTheSameFolderIsRefused) {
  const TemporaryFolder folder;
  packed(folder / "pack", 20);
  EXPECT_THAT(error_message([&] { packed(folder / "pack", 20, {.shards = 4, .form = kSteps}); }),
              HasSubstr("contains another pack"));
}

TEST(PackForm, IsTheStandardOneInAManifestOfEarlierVersions) {
  const TemporaryFolder folder;
  auto text = to_json(packed(folder / "pack", 9, {.shards = 2}));
  const auto from = text.find("\"record\":{");
  ASSERT_NE(from, std::string::npos);
  text.erase(from, text.find("},", from) + 2 - from);
  EXPECT_EQ(parse_manifest(sealed_again(text), "m.json").form, RecordForm());
}

TEST(Pack, ContinuesAfterAKillBetweenNamingAShardAndRemovingItsRecords) {
  const TemporaryFolder folder;
  const PackConfig config{.shards = 2, .threads = 1};
  const auto job = numbered_job(6);
  pack_examples(job, folder / "whole", config, quiet);
  auto stopping = job;
  stopping.extract = [&, made = 0](std::size_t i, int worker, std::span<float> out) mutable -> Expected<void> {
    if (++made == 5) throw Error("the power fails");
    return job.extract(i, worker, out);
  };
  EXPECT_THROW(pack_examples(stopping, folder / "killed", config, quiet), Error);
  fs::rename(folder / "killed" / "numbers-00-3.tfrec", folder / "killed" / ".pack" / "00.tfrec");
  const auto result = pack_examples(job, folder / "killed", config, quiet);
  EXPECT_EQ(contents_of(folder / "killed"), contents_of(folder / "whole"));
  EXPECT_EQ(result.reused, 3u);  // those of shard 0; shard 1 follows an unfinished one and is packed again
}

TEST(Pack, LeavesAFinishedPackUnchanged) {
  const TemporaryFolder folder;
  packed(folder / "pack", 20);
  auto job = numbered_job(20);
  job.extract = [](std::size_t, int, std::span<float>) -> Expected<void> { throw Error("must not be called"); };
  const auto result = pack_examples(job, folder / "pack", {.shards = 4}, quiet);
  EXPECT_EQ(result.reused, 20u);
  EXPECT_EQ(result.examples, 20u);
}

TEST(Pack, RefusesAFolderWithOtherContents) {
  const TemporaryFolder folder;
  packed(folder / "pack", 20);
  const auto again = [&](PackJob job, PackConfig config) {
    return error_message([&] { pack_examples(job, folder / "pack", config, quiet); });
  };
  EXPECT_THAT(again(numbered_job(21), {.shards = 4}), HasSubstr("contains another pack"));
  EXPECT_THAT(again(numbered_job(20), {.shards = 4, .seed = 1}), HasSubstr("contains another pack"));
  auto other_recipe = numbered_job(20);
  other_recipe.recipe.hash[0] = 'b';
  EXPECT_THAT(again(other_recipe, {.shards = 4}), HasSubstr("contains another pack"));
  fs::remove(folder / "pack" / "manifest.json");
  EXPECT_THAT(again(numbered_job(20), {.shards = 4}), HasSubstr("contains record files already"));
}

TEST(Pack, RefusesToContinueWithOtherOptions) {
  const TemporaryFolder folder;
  auto job = numbered_job(20);
  job.extract = [](std::size_t, int, std::span<float>) -> Expected<void> { throw Error("stop"); };
  EXPECT_THROW(pack_examples(job, folder / "pack", {.shards = 4}, quiet), Error);
  EXPECT_THAT(error_message([&] { pack_examples(numbered_job(20), folder / "pack", {.shards = 5}, quiet); }),
              HasSubstr("unfinished pack of other data or with other options"));
}

TEST(Pack, AllowsOnlyOneRunPerFolder) {
  const TemporaryFolder folder;
  auto job = numbered_job(8);
  std::string second;
  job.extract = [&](std::size_t i, int, std::span<float> out) -> Expected<void> {
    if (i == 3) second = error_message([&] { pack_examples(numbered_job(8), folder / "pack", {.shards = 2}, quiet); });
    std::ranges::copy(values_of(i), out.begin());
    return {};
  };
  pack_examples(job, folder / "pack", {.shards = 2, .threads = 1}, quiet);
  EXPECT_THAT(second, HasSubstr("another run works in this folder"));
}

TEST(Pack, LeavesNothingWhenNoExampleCanBeUsed) {
  const TemporaryFolder folder;
  auto job = numbered_job(8);
  job.extract = [](std::size_t i, int, std::span<float>) -> Expected<void> {
    return tl::unexpected(Fault{"empty file", "t" + std::to_string(i), ""});
  };
  EXPECT_THAT(error_message([&] { pack_examples(job, folder / "pack", {.shards = 2}, quiet); }),
              HasSubstr("empty file"));
  EXPECT_TRUE(contents_of(folder / "pack").empty());
}

TEST(Pack, RefusesWrongUsage) {
  const TemporaryFolder folder;
  const auto with = [&](PackConfig config) {
    return error_message([&] { pack_examples(numbered_job(8), folder / "pack", config, quiet); });
  };
  EXPECT_THAT(with({.shards = 9}), HasSubstr("more shards (9) than examples (8)"));
  EXPECT_THAT(with({.shards = 0}), HasSubstr("at least 1 shard"));
  EXPECT_THAT(with({.shards = 1'000'001}), HasSubstr("at most 1000000 shards"));
  EXPECT_THAT(with({.shards = 2, .prefix = "a/b"}), HasSubstr("cannot begin a file name"));
  auto twice = numbered_job(8);
  twice.track_ids[3] = "t1";
  EXPECT_THAT(error_message([&] { pack_examples(twice, folder / "pack", {.shards = 2}, quiet); }),
              HasSubstr("t1: two examples have the same track id"));
}

TEST(Pack, ReportsWriteErrors) {
  if (::access("/dev/full", W_OK) != 0 || ::geteuid() != 0) GTEST_SKIP() << "needs root to mount a small file system";
  const TemporaryFolder folder;
  fs::create_directory(folder / "tiny");
  const std::string mount = "mount -t tmpfs -o size=64k tmpfs " + (folder / "tiny").string() + " 2>/dev/null";
  if (std::system(mount.c_str()) != 0) GTEST_SKIP() << "no file system can be mounted here";
  auto job = numbered_job(2000);
  const auto full =
      error_message([&] { pack_examples(job, folder / "tiny" / "pack", {.shards = 2, .threads = 2}, quiet); });
  std::system(("mount -o remount,size=8m " + (folder / "tiny").string()).c_str());
  const auto result = pack_examples(job, folder / "tiny" / "pack", {.shards = 2, .threads = 2}, quiet);
  const auto faults = verify_pack(open_pack(folder / "tiny" / "pack"));
  std::system(("mount -o remount,ro " + (folder / "tiny").string()).c_str());
  const auto read_only = error_message([&] { pack_examples(job, folder / "tiny" / "other", {.shards = 2}, quiet); });
  std::system(("umount " + (folder / "tiny").string()).c_str());
  EXPECT_THAT(full, HasSubstr("the disk is full"));
  EXPECT_EQ(result.examples, 2000u);
  EXPECT_GT(result.reused, 0u);
  EXPECT_TRUE(faults.empty());
  EXPECT_THAT(read_only, HasSubstr("read-only"));
}

TEST_ON_EVERY_TARGET(PackedValues, LoseNoMoreThanStated) {
  Rng rng(5);
  std::vector<float> values(1000), decoded(1000);
  for (auto& value : values) value = static_cast<float>(-80 * rng.uniform());  // range of a mel image in dB
  values[7] = 0;
  for (const auto& [stored, bound] :
       {std::pair(StoredAs::float32, 0.0), {StoredAs::float16, 0.03125}, {StoredAs::uint8, 0.16}}) {
    ExampleWriter writer;
    SongEncoder encoder(stored);
    ASSERT_TRUE(encoder.add(writer, values));
    ExampleView view;
    const std::string payload(writer.finish());
    ASSERT_TRUE(view.parse(std::as_bytes(std::span(payload))));
    ASSERT_TRUE(decode_song(view, stored, decoded));
    LossMeter meter;
    meter.add(values, decoded);
    EXPECT_LE(meter.loss().largest_error, bound) << to_string(stored);
    EXPECT_GE(meter.loss().largest_error, bound / 2) << to_string(stored);
    EXPECT_LE(meter.loss().rms_error, meter.loss().largest_error);
    std::vector<float> shorter(999);
    EXPECT_EQ(decode_song(view, stored, shorter).error().reason, "wrong size");
  }
}

TEST(PackedValues, AreExactIfRepresentableInFloat16) {
  const std::vector<float> values = {0,      -0.0F,    1,        -2,        0.5F,           65504,
                                     -65504, 0x1p-24F, 0x1p-14F, 3.140625F, 1023 * 0x1p-24F};
  ExampleWriter writer;
  ASSERT_TRUE(SongEncoder(StoredAs::float16).add(writer, values));
  const std::string payload(writer.finish());
  ExampleView view;
  ASSERT_TRUE(view.parse(std::as_bytes(std::span(payload))));
  std::vector<float> decoded(values.size());
  ASSERT_TRUE(decode_song(view, StoredAs::float16, decoded));
  EXPECT_EQ(decoded, values);
  EXPECT_TRUE(std::signbit(decoded[1]));
  const std::vector<float> too_large = {70000};
  ExampleWriter other;
  EXPECT_EQ(SongEncoder(StoredAs::float16).add(other, too_large).error().reason, "does not fit");
}

TEST_ON_EVERY_TARGET(PackedValues, OfAConstantImageAreRestoredFromUint8) {
  const std::vector<float> values(10, -80);
  ExampleWriter writer;
  ASSERT_TRUE(SongEncoder(StoredAs::uint8).add(writer, values));
  const std::string payload(writer.finish());
  ExampleView view;
  ASSERT_TRUE(view.parse(std::as_bytes(std::span(payload))));
  std::vector<float> decoded(10);
  ASSERT_TRUE(decode_song(view, StoredAs::uint8, decoded));
  EXPECT_EQ(decoded, values);
}

/// Error of parse_manifest() for the manifest with `from` replaced by `to` and its sum recomputed.
std::string refusal_of_damaged(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  if (at == std::string::npos) return "the text has no " + from;
  text.replace(at, from.size(), to);
  return error_message([&] { parse_manifest(sealed_again(text), "m.json"); });
}

TEST(PackManifest, ReadsBackAndRefusesInconsistentText) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 9, {.shards = 2, .compression = Compression::gzip});
  const auto text = to_json(manifest);
  EXPECT_EQ(to_json(parse_manifest(text, folder / "pack" / "manifest.json")), text);
  const auto damaged = [&](const std::string& from, const std::string& to) {
    return refusal_of_damaged(text, from, to);
  };
  EXPECT_THAT(damaged("genrewise-pack", "other"), HasSubstr("not the manifest of a pack"));
  EXPECT_THAT(damaged("\"version\":1}\n", "\"version\":2}"), HasSubstr("this program reads version 1"));
  EXPECT_THAT(damaged("\"count\":4", "\"count\":5"), HasSubstr("other lengths"));
  EXPECT_THAT(damaged("\"classes\":[", "\"classes\":[7,"), HasSubstr("other lengths"));
  EXPECT_THAT(damaged("\"file\":\"", "\"file\":\"../"), HasSubstr("is not a file name"));
  EXPECT_THAT(damaged("\"stored_as\":\"float32\"", "\"stored_as\":\"x\""), HasSubstr("stored_as"));
  EXPECT_THAT(damaged("\"steps\":0", "\"steps\":2"), HasSubstr("7 values in 2 steps"));
  EXPECT_THAT(damaged("\"payload_bytes\":[", "\"payload_bytes\":[-"), HasSubstr("no integer of this range"));
  EXPECT_THAT(damaged("\"payload_bytes\":[", "\"payload_bytes\":[1000000000000"), HasSubstr("longer than any record"));
  for (std::size_t size = 0; size + 1 < text.size(); size += 13) {
    EXPECT_THAT(error_message([&] { parse_manifest(text.substr(0, size), "m.json"); }), HasSubstr("m.json")) << size;
  }
}

TEST(PackManifest, RefusesOtherRecipesAndLabels) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 9, {.shards = 2});
  const auto job = numbered_job(9);
  EXPECT_EQ(error_message([&] { require_same_data(manifest, job.recipe, job.labels); }), "no error");
  auto recipe = job.recipe;
  recipe.version = 2;
  EXPECT_THAT(error_message([&] { require_same_data(manifest, recipe, job.labels); }), HasSubstr("recipe"));
  const std::vector<std::string> labels = {"Blues", "Rock", "Ünï"};
  EXPECT_THAT(error_message([&] { require_same_data(manifest, job.recipe, labels); }), HasSubstr("labels"));
}

TEST(VerifyPack, FindsDefects) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 20);
  const auto shard = folder / "pack" / manifest.shards[1].file;
  const auto whole = read_file(shard);
  const auto reasons = [&] {
    std::set<std::string> found;
    for (const auto& fault : verify_pack(manifest)) found.insert(fault.reason);
    return found;
  };
  put_file(shard, whole.substr(0, whole.size() - 3));
  EXPECT_THAT(reasons(), ElementsAre("missing records", "truncated", "wrong checksum", "wrong size"));
  auto flipped = whole;
  flipped[40] = static_cast<char>(flipped[40] ^ 1);
  put_file(shard, flipped);
  EXPECT_THAT(reasons(), ElementsAre("damaged data", "missing records", "wrong checksum"));
  fs::copy_file(folder / "pack" / manifest.shards[0].file, shard, fs::copy_options::overwrite_existing);
  EXPECT_THAT(reasons(), ::testing::Contains("does not match the manifest"));
  fs::remove(shard);
  EXPECT_THAT(reasons(), ElementsAre("cannot be read"));
}

TEST(Pack, RefusesListsThatDoNotFitAndClassesWithoutALabel) {
  const TemporaryFolder folder;
  const auto refusal = [&](const auto& change) {
    auto job = numbered_job(8);
    change(job);
    fs::remove_all(folder / "pack");
    return error_message([&] { pack_examples(job, folder / "pack", {.shards = 2}, quiet); });
  };
  EXPECT_EQ(refusal([](PackJob& job) { job.artists.assign(8, "a"), job.albums.assign(8, "b"); }), "no error");
  EXPECT_THAT(refusal([](PackJob& job) { job.classes.pop_back(); }), HasSubstr("different lengths"));
  EXPECT_THAT(refusal([](PackJob& job) { job.parts.pop_back(); }), HasSubstr("different lengths"));
  EXPECT_THAT(refusal([](PackJob& job) { job.artists = {"a"}; }), HasSubstr("different lengths"));
  EXPECT_THAT(refusal([](PackJob& job) { job.albums = {"b"}; }), HasSubstr("different lengths"));
  EXPECT_EQ(refusal([](PackJob& job) { job.classes[3] = -1; }), "t3: has no genre; leave it out of the dataset");
  EXPECT_THAT(refusal([](PackJob& job) { job.classes[0] = 3; }), HasSubstr("t0: has no genre"));
  EXPECT_EQ(refusal([](PackJob& job) { job.classes[0] = 2; }), "no error");
  for (const char* prefix : {".a", "a/b", "/"})
    EXPECT_THAT(error_message(
                    [&] { pack_examples(numbered_job(8), folder / "other", {.shards = 2, .prefix = prefix}, quiet); }),
                HasSubstr("cannot begin a file name"))
        << prefix;
  EXPECT_EQ(error_message([&] { pack_examples(numbered_job(8), folder / "eight", {.shards = 8}, quiet); }), "no error");
}

TEST(Pack, HasAFingerprintOfEverythingThatDeterminesItsContent) {
  const TemporaryFolder folder;
  std::set<std::string> seen;
  std::size_t changes = 0;
  const auto add = [&](const auto& change, PackConfig config = {.shards = 2}) {
    auto job = numbered_job(8);
    job.artists.assign(8, "artist");
    job.albums.assign(8, "album");
    job.source = [](std::size_t i) { return "source " + std::to_string(i); };
    change(job);
    const auto location = folder / std::to_string(++changes);
    pack_examples(job, location, config, quiet);
    seen.insert(open_pack(location).fingerprint);
  };
  add([](PackJob&) {});
  add([](PackJob& job) { job.recipe.name = "others"; });
  add([](PackJob& job) { job.recipe.version = 2; });
  add([](PackJob& job) { job.recipe.hash[0] = 'b'; });
  add([](PackJob& job) { job.labels[0] = "Folk"; });
  add([](PackJob& job) { job.split_scheme = "random"; });
  add([](PackJob& job) { job.track_ids[0] = "t9"; });
  add([](PackJob& job) { job.classes[0] = 1; });
  add([](PackJob& job) { job.parts[0] = Part::test; });
  add([](PackJob& job) { job.parts[0].reset(); });
  add([](PackJob& job) { job.artists[0] = "another"; });
  add([](PackJob& job) { job.albums[0] = "another"; });
  add([](PackJob& job) { job.source = [](std::size_t) { return "the same"; }; });
  add([](PackJob&) {}, {.shards = 3});
  add([](PackJob&) {}, {.shards = 2, .seed = 7});
  add([](PackJob&) {}, {.shards = 2, .prefix = "p"});
  add([](PackJob&) {}, {.shards = 2, .stored_as = StoredAs::float16});
  add([](PackJob&) {}, {.shards = 2, .compression = Compression::gzip});
  EXPECT_EQ(seen.size(), changes);
}

TEST(Pack, NamesAShardThatIsMissingOrHasAnotherSizeWhenItIsUsedAgain) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 20);
  const auto again = [&] {
    return error_message([&] { pack_examples(numbered_job(20), folder / "pack", {.shards = 4}, quiet); });
  };
  EXPECT_EQ(again(), "no error");
  const auto shard = folder / "pack" / manifest.shards[2].file;
  put_file(shard, read_file(shard) + "x");
  EXPECT_EQ(again(),
            shard.string() + ": is missing, or its size differs from the manifest; delete the folder and pack again");
  fs::remove(shard);
  EXPECT_THAT(again(), HasSubstr("is missing"));
}

TEST(Pack, ReportsClipsThatMayBeReadableNow) {
  const TemporaryFolder folder;
  auto job = numbered_job(8);
  const std::vector<std::string> reasons = {"cannot be opened", "cannot be read", "truncated"};
  job.extract = [&](std::size_t i, int, std::span<float> out) -> Expected<void> {
    if (i < reasons.size()) return tl::unexpected(Fault{reasons[i], "t" + std::to_string(i), ""});
    std::ranges::copy(values_of(i), out.begin());
    return {};
  };
  pack_examples(job, folder / "pack", {.shards = 2}, quiet);
  Notes notes;
  const auto result = pack_examples(job, folder / "pack", {.shards = 2}, notes);
  EXPECT_THAT(notes.all, HasSubstr("2 clips could not be opened or read"));
  EXPECT_EQ(result.examples, 5u);
  EXPECT_EQ(result.reused, 5u);
}

TEST(PackedValues, OfAnotherKindAreNoSong) {
  const auto reason = [](const auto& fill, StoredAs stored) {
    ExampleWriter writer;
    fill(writer);
    const std::string payload(writer.finish());
    ExampleView view;
    EXPECT_TRUE(view.parse(std::as_bytes(std::span(payload))));
    std::vector<float> values(2);
    const auto decoded = decode_song(view, stored, values);
    return decoded ? "decoded" : decoded.error().reason + ": " + decoded.error().detail;
  };
  const std::vector<float> floats = {1, 2};
  const auto none = [](ExampleWriter&) {};
  const auto as_floats = [&](ExampleWriter& writer) { writer.add("song", std::span<const float>(floats)); };
  const auto as_bytes = [](ExampleWriter& writer) { writer.add("song", std::string_view("ab")); };
  for (const StoredAs stored : {StoredAs::float32, StoredAs::float16, StoredAs::uint8})
    EXPECT_EQ(reason(none, stored), "no song: there is no key `song`");
  EXPECT_EQ(reason(as_bytes, StoredAs::float32), "no song: the key `song` contains bytes");
  EXPECT_EQ(reason(as_floats, StoredAs::float16), "no song: the key `song` contains floats");
  EXPECT_EQ(reason(as_bytes, StoredAs::float16), "wrong size: `song` has 1 numbers, not 2");
  EXPECT_EQ(reason(as_bytes, StoredAs::uint8), "no song: song_range is missing");
  EXPECT_EQ(reason(as_floats, StoredAs::float32), "decoded");
}

TEST_ON_EVERY_TARGET(PackedValues, InFloat16AreRestoredWhateverTheirBits) {
  std::vector<std::uint16_t> halves(65536 + 5);
  std::iota(halves.begin(), halves.end(), std::uint16_t{0});
  ExampleWriter writer;
  writer.add(RecordForm().features, as_text(std::as_bytes(std::span(halves))));
  const std::string payload(writer.finish());
  ExampleView view;
  ASSERT_TRUE(view.parse(std::as_bytes(std::span(payload))));
  std::vector<float> decoded(halves.size());
  ASSERT_TRUE(decode_song(view, StoredAs::float16, decoded));
  for (std::size_t i = 0; i < halves.size(); ++i) {
    const unsigned exponent = halves[i] >> 10 & 31, mantissa = halves[i] & 1023;
    const float magnitude = exponent == 31 ? (mantissa == 0 ? std::numeric_limits<float>::infinity() : NAN)
                            : exponent == 0
                                ? std::ldexp(static_cast<float>(mantissa), -24)
                                : std::ldexp(static_cast<float>(1024 + mantissa), static_cast<int>(exponent) - 25);
    EXPECT_EQ(std::signbit(decoded[i]), halves[i] >> 15 != 0) << halves[i];
    if (std::isnan(magnitude)) {
      EXPECT_TRUE(std::isnan(decoded[i])) << halves[i];
    } else {
      EXPECT_EQ(std::abs(decoded[i]), magnitude) << halves[i];
    }
  }
}

TEST_ON_EVERY_TARGET(PackedValues, InFloat16AreRestoredForAnyNumberOfThem) {
  for (std::size_t count = 0; count < 40; ++count) {
    std::vector<float> values(count), decoded(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i) - 3.5F;
    ExampleWriter writer;
    ASSERT_TRUE(SongEncoder(StoredAs::float16).add(writer, values));
    const std::string payload(writer.finish());
    ExampleView view;
    ASSERT_TRUE(view.parse(std::as_bytes(std::span(payload))));
    ASSERT_TRUE(decode_song(view, StoredAs::float16, decoded));
    EXPECT_EQ(decoded, values);
  }
}

TEST(PackManifest, RefusesNamesPartsAndPositionsThatDoNotFit) {
  const TemporaryFolder folder;
  auto job = numbered_job(9);
  for (int i = 0; i < 9; ++i) job.artists.push_back("artist " + std::to_string(i));
  pack_examples(job, folder / "pack", {.shards = 2}, quiet);
  const auto manifest = open_pack(folder / "pack");
  for (const PackedShard& shard : manifest.shards)
    for (const PackedRecord& record : shard.records) EXPECT_EQ(record.artist, "artist " + record.track_id.substr(1));
  const std::string text = to_json(manifest);
  EXPECT_EQ(text.find("\"albums\""), std::string::npos);
  const auto damaged = [&](const std::string& from, const std::string& to) {
    return refusal_of_damaged(text, from, to);
  };
  EXPECT_THAT(damaged("\"artists\":[", "\"artists\":[\"x\","), HasSubstr("its list of artists has another length"));
  EXPECT_THAT(damaged("\"parts\":\"", "\"restart_points\":[[5,1]],\"parts\":\""), HasSubstr("after its end"));
  const std::string parts = "\"parts\":\"";
  const char first = text[text.find(parts) + parts.size()];
  EXPECT_THAT(damaged(parts + first, parts + "x"), HasSubstr("'x' is not a part (t, v, e or -)"));
  const std::string classes = "\"classes\":[";
  const char label = text[text.find(classes) + classes.size()];
  EXPECT_THAT(damaged(classes + label, classes + "3"), HasSubstr("has class 3, and there are 3 labels"));
  EXPECT_THAT(damaged(classes + label, classes + "-1"), HasSubstr("has class -1"));
}

TEST(PackManifest, RefusesRestartPointsThatAreNone) {
  const TemporaryFolder folder;
  const auto gzip = to_json(packed(folder / "gzip", 9, {.shards = 2, .compression = Compression::gzip}));
  const std::string points = "\"restart_points\":";
  for (const char* wrong : {"[[1,0]]", "[[0,0],[0,5]]", "[[0,0],[2,0]]", "[[0,0],[9,5]]", "[[0,0],[2,1000000]]"})
    EXPECT_THAT(refusal_of_damaged(gzip, points + "[[0,0]]", points + wrong), HasSubstr("out of order")) << wrong;
  EXPECT_EQ(refusal_of_damaged(gzip, points + "[[0,0]]", points + "[[0,0],[2,5]]"), "no error");
  const auto plain = to_json(packed(folder / "plain", 9, {.shards = 2}));
  EXPECT_THAT(refusal_of_damaged(plain, "\"parts\":", points + "[[0,0]],\"parts\":"), HasSubstr("not compressed"));
}

TEST(PackManifest, TakesOtherPartsWithAFingerprintOfTheirOwn) {
  const TemporaryFolder folder;
  const auto whole = packed(folder / "pack", 9, {.shards = 2});
  std::vector<std::optional<Part>> parts;
  for (const PackedShard& shard : whole.shards)
    for (const PackedRecord& record : shard.records) parts.push_back(record.part);
  auto same = whole;
  assign_parts(same, parts);
  EXPECT_EQ(same.fingerprint, whole.fingerprint);
  EXPECT_EQ(same.split_scheme, "grouped");
  auto changed = whole;
  parts.back() = parts.back() == Part::test ? Part::training : Part::test;
  assign_parts(changed, parts);
  EXPECT_EQ(changed.split_scheme, "given");
  EXPECT_NE(changed.fingerprint, whole.fingerprint);
  EXPECT_EQ(changed.shards.back().records.back().part, parts.back());
  EXPECT_EQ(changed.shards.front().records.front().part, parts.front());
  parts.pop_back();
  EXPECT_THAT(error_message([&] { assign_parts(changed, parts); }), HasSubstr("8 parts were given for 9 records"));
}

TEST(RecordFolders, AreRecognisedFinishedUnfinishedAndOfOtherPrograms) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "empty");
  EXPECT_FALSE(holds_records(folder / "empty"));
  packed(folder / "pack", 8);
  EXPECT_TRUE(holds_records(folder / "pack"));
  fs::remove(folder / "pack" / "manifest.json");
  EXPECT_TRUE(holds_records(folder / "pack"));  // its record files
  auto job = numbered_job(8);
  job.extract = [](std::size_t, int, std::span<float>) -> Expected<void> { throw Error("stop"); };
  EXPECT_THROW(pack_examples(job, folder / "stopped", {.shards = 2}, quiet), Error);
  EXPECT_TRUE(holds_records(folder / "stopped"));
}

}  // namespace
}  // namespace genrewise
