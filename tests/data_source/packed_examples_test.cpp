// Loading a pack as examples in memory.
#include <gmock/gmock.h>

#include "genrewise/data_source/examples.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/records/example.hpp"
#include "genrewise/records/record_writer.hpp"
#include "support/pack_fixture.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using namespace testing;

Progress quiet;

Examples examples_of(const PackManifest& manifest, double damage_budget = 0.01) {
  std::vector<Fault> damaged;
  return read_packed_examples(manifest, damaged, quiet, damage_budget);
}

TEST(PackedExamples, FollowTheOrderOfTheShards) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 50, {.shards = 4});
  const auto examples = examples_of(manifest);
  EXPECT_EQ(examples.labels, numbered_job(1).labels);
  EXPECT_EQ(examples.table.recipe, numbered_job(1).recipe);
  ASSERT_EQ(examples.table.values.rows(), 50u);
  ASSERT_EQ(examples.table.columns.size(), kValues);
  std::size_t row = 0;
  const auto shard_parts = parts_of_shards(4);
  for (std::size_t shard = 0; shard < 4; ++shard) {
    for (const auto& record : manifest.shards[shard].records) {
      const std::size_t number = number_of(record.track_id);
      EXPECT_EQ(examples.subjects.ids[row], record.track_id);
      EXPECT_TRUE(std::ranges::equal(examples.table.values.row(row), values_of(number)));
      EXPECT_EQ(examples.subjects.labels[row], static_cast<int>(number % 3));
      EXPECT_EQ(examples.subjects.official[row], numbered_job(50).parts[number]);
      EXPECT_EQ(examples.subjects.by_shard[row], shard_parts[shard]);
      ++row;
    }
  }
  EXPECT_EQ(row, 50u);
}

TEST(PackedExamples, AreSplitByThePartsOfThePackAndByWholeShards) {
  const TemporaryFolder folder;
  const auto examples = examples_of(packed(folder / "pack", 100, {.shards = 10}));
  const Split own = make_split(examples.subjects);
  EXPECT_EQ(own.scheme, SplitScheme::official);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(own.parts[i], *examples.subjects.official[i]);
  const Split shards = make_split(examples.subjects, {.scheme = parse_split_scheme("shards")});
  EXPECT_EQ(shards.rows(Part::training).size(), 60u);  // six, two and two of ten shards
  EXPECT_EQ(shards.rows(Part::validation).size(), 20u);
  EXPECT_EQ(shards.rows(Part::test).size(), 20u);
  EXPECT_TRUE(std::ranges::is_sorted(shards.parts));
  auto without = examples.subjects;
  without.by_shard.clear();
  EXPECT_THAT(error_message([&] { make_split(without, {.scheme = SplitScheme::shards}); }),
              HasSubstr("only a pack has shards"));
}

TEST(PackedExamples, HaveTheArtistsOfTheManifest) {
  const TemporaryFolder folder;
  auto job = numbered_job(24);
  for (std::size_t i = 0; i < 24; ++i) {
    job.artists.push_back(i % 4 == 0 ? "" : "artist, \"" + std::to_string(i / 6) + "\"");
    job.albums.emplace_back();
  }
  pack_examples(job, folder / "pack", {.shards = 3}, quiet);
  const auto examples = examples_of(open_pack(folder / "pack"));
  for (std::size_t row = 0; row < 24; ++row) {
    EXPECT_EQ(examples.subjects.artists[row], job.artists[number_of(examples.subjects.ids[row])]);
    EXPECT_EQ(examples.subjects.albums[row], "");
  }
  EXPECT_EQ(read_file(folder / "pack" / "manifest.json").find("albums"), std::string::npos);
  auto other = job;
  other.artists[1] = "another artist";
  EXPECT_THAT(error_message([&] { pack_examples(other, folder / "pack", {.shards = 3}, quiet); }),
              HasSubstr("contains another pack"));
  other.artists.pop_back();
  EXPECT_THAT(error_message([&] { pack_examples(other, folder / "new", {.shards = 3}, quiet); }),
              HasSubstr("different lengths"));
  auto text = read_file(folder / "pack" / "manifest.json");
  text.replace(text.find("\"artists\":["), 11, "\"artists\":[\"x\",");
  EXPECT_THAT(error_message([&] { parse_manifest(sealed_again(text), "m.json"); }),
              HasSubstr("list of artists has another length"));
}

TEST(PackedExamples, LeaveOutAndReportDamagedRecords) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 40);
  const auto path = folder / "pack" / manifest.shards[1].file;
  auto flipped = read_file(path);
  flipped[30] = static_cast<char>(flipped[30] ^ 4);
  put_file(path, flipped);
  std::vector<Fault> damaged;
  const auto examples = read_packed_examples(manifest, damaged, quiet, 0.05);
  EXPECT_EQ(examples.table.values.rows(), 39u);
  EXPECT_EQ(examples.subjects.ids.size(), 39u);
  ASSERT_EQ(damaged.size(), 1u);
  EXPECT_EQ(damaged[0].reason, "damaged data");
  for (std::size_t row = 0; row < 39; ++row) {
    EXPECT_TRUE(std::ranges::equal(examples.table.values.row(row), values_of(number_of(examples.subjects.ids[row]))));
  }
  EXPECT_THAT(error_message([&] { examples_of(manifest); }), HasSubstr("too many records cannot be used"));
}

TEST(PackedExamples, OfAnotherProgramHaveNumberedLabelsAndUniqueIds) {
  const TemporaryFolder folder;
  RecordWriter writer(folder / "theirs.tfrec");
  for (const std::int64_t label : {2, 10, 2, 0}) {
    ExampleWriter example;
    example.add("song", std::span<const float>(values_of(static_cast<std::size_t>(label))));
    example.add("class", std::span(&label, 1));
    if (label == 2) example.add("track_id", std::string_view("the same"));
    writer.write(example.finish());
  }
  writer.commit();
  EXPECT_TRUE(holds_records(folder.path()));
  EXPECT_TRUE(holds_records(folder / "theirs.tfrec"));
  EXPECT_FALSE(holds_records(folder / "nothing"));
  const auto examples = examples_of(open_pack(folder.path()));
  EXPECT_THAT(examples.labels, ElementsAre("0", "10", "2"));
  EXPECT_THAT(examples.subjects.labels, ElementsAre(2, 1, 2, 0));
  EXPECT_THAT(examples.subjects.ids, ElementsAre("the same", "record 1", "the same #2", "record 3"));
  EXPECT_THAT(examples.subjects.tracks, ElementsAre("the same", "record 1", "the same", "record 3"));
  EXPECT_EQ(examples.table.recipe.name, "records");
  EXPECT_EQ(examples.table.columns[6], (FeatureColumn{"song", "value", "6"}));
}

TEST(PackedExamples, OfAFileInTheCurrentFolderAreReadWithoutNamingTheFolder) {
  const TemporaryFolder folder;
  pack_examples(numbered_job(4), folder / "pack", {.shards = 1}, quiet);
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder / "pack");
  std::vector<std::size_t> rows;
  for (const auto& entry : std::filesystem::directory_iterator(".")) {
    const auto name = entry.path().filename();
    if (name.extension() == ".tfrec") rows.push_back(examples_of(open_pack(name)).table.values.rows());
  }
  std::filesystem::current_path(before);
  EXPECT_THAT(rows, ElementsAre(4u));
}

TEST(PackedExamples, OfAKnownFeatureSetHaveItsColumns) {
  const TemporaryFolder folder;
  const auto set = make_feature_set("raw10k");
  auto job = numbered_job(4);
  job.recipe = set->recipe();
  job.values = set->size();
  job.extract = [](std::size_t i, int, std::span<float> out) -> Expected<void> {
    std::ranges::fill(out, static_cast<float>(i));
    return {};
  };
  pack_examples(job, folder / "pack", {.shards = 1}, quiet);
  EXPECT_EQ(examples_of(open_pack(folder / "pack")).table.columns, set->columns());
}

}  // namespace
}  // namespace genrewise
