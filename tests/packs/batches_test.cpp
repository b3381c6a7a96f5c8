#include "genrewise/packs/batches.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "genrewise/records/example.hpp"
#include "genrewise/records/record_writer.hpp"
#include "genrewise/storage/files.hpp"
#include "support/pack_fixture.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using namespace testing;

struct Seen {
  std::vector<std::vector<std::size_t>> batches;  // example numbers
  std::vector<std::uint32_t> records;
  std::vector<std::size_t> all() const {
    std::vector<std::size_t> joined;
    for (const auto& batch : batches) joined.insert(joined.end(), batch.begin(), batch.end());
    return joined;
  }
  std::multiset<std::size_t> sorted() const {
    const auto joined = all();
    return {joined.begin(), joined.end()};
  }
};

// The first value of a row is the number of its example.
std::size_t number_in(const Batch& batch, std::size_t row) {
  return static_cast<std::size_t>(std::lround(batch.row(row)[0]));
}

// Reads up to `most` batches and checks that every row belongs to its example.
Seen read(BatchReader& reader, std::size_t most = 100'000) {
  Seen seen;
  Batch batch;
  while (seen.batches.size() < most && reader.next(batch)) {
    auto& numbers = seen.batches.emplace_back();
    EXPECT_EQ(batch.values, kValues);
    EXPECT_EQ(batch.labels.size(), batch.size);
    for (std::size_t i = 0; i < batch.size; ++i) {
      const std::size_t number = number_in(batch, i);
      EXPECT_TRUE(std::ranges::equal(batch.row(i), values_of(number))) << number;
      EXPECT_EQ(batch.labels[i], static_cast<int>(number % 3));
      numbers.push_back(number);
    }
    seen.records.insert(seen.records.end(), batch.records.begin(), batch.records.end());
  }
  return seen;
}

Seen read(const PackManifest& manifest, const BatchConfig& config) {
  BatchReader reader(manifest, config);
  return read(reader);
}

std::multiset<std::size_t> numbers(std::size_t count, int step = 1) {
  std::multiset<std::size_t> all;
  for (std::size_t i = 0; i < count; i += static_cast<std::size_t>(step)) all.insert(i);
  return all;
}

class Batches : public ::testing::TestWithParam<Compression> {
 protected:
  const TemporaryFolder folder;
  const PackManifest manifest = packed(folder / "pack", 203, {.shards = 5, .compression = GetParam()});
};

TEST_P(Batches, GiveEveryExampleOnceInTheOrderOfTheShards) {
  const auto seen = read(manifest, {.batch_size = 10});
  EXPECT_EQ(seen.batches.size(), 21u);
  EXPECT_EQ(seen.batches.back().size(), 3u);
  std::vector<std::size_t> expected;
  for (const auto& shard : manifest.shards) {
    for (const auto& record : shard.records) expected.push_back(number_of(record.track_id));
  }
  EXPECT_EQ(seen.all(), expected);
  for (std::uint32_t record = 0; record < expected.size(); ++record) ASSERT_EQ(seen.records.at(record), record);
}

TEST_P(Batches, AreTheSameForAnyNumberOfWorkers) {
  for (const std::size_t shuffle : {0, 1, 64, 1000}) {
    BatchConfig config{.batch_size = 7, .shuffle_records = shuffle, .epochs = 3, .workers = 0};
    const auto expected = read(manifest, config);
    for (const int workers : {1, 2, 5}) {
      for (const std::size_t prefetch : {1, 3, 50}) {
        config.workers = workers;
        config.prefetch_batches = prefetch;
        ASSERT_EQ(read(manifest, config).batches, expected.batches) << workers << " workers, shuffled in " << shuffle;
      }
    }
    config.cache_bytes = 1 << 20;
    ASSERT_EQ(read(manifest, config).batches, expected.batches);
  }
}

TEST_P(Batches, AreShuffledDifferentlyPerEpochAndSeed) {
  const BatchConfig config{.batch_size = 203, .shuffle_records = 1000, .epochs = 2};
  const auto seen = read(manifest, config);
  ASSERT_EQ(seen.batches.size(), 2u);
  EXPECT_NE(seen.batches[0], seen.batches[1]);
  for (const auto& epoch : seen.batches) EXPECT_EQ(std::multiset(epoch.begin(), epoch.end()), numbers(203));
  auto other = config;
  other.seed = 7;
  EXPECT_NE(read(manifest, other).batches[0], seen.batches[0]);
}

TEST_P(Batches, ContinueAtASavedPosition) {
  for (const std::size_t shuffle : {0, 40, 1000}) {
    BatchConfig config{.batch_size = 8, .shuffle_records = shuffle, .epochs = 3};
    const auto expected = read(manifest, config);
    for (std::size_t stop = 0; stop <= expected.batches.size(); stop += 5) {
      BatchReader before(manifest, config);
      auto seen = read(before, stop);
      config.start = before.position();
      BatchReader resumed(manifest, config);
      const auto rest = read(resumed);
      config.start.reset();
      seen.batches.insert(seen.batches.end(), rest.batches.begin(), rest.batches.end());
      ASSERT_EQ(seen.batches, expected.batches) << stop;
    }
  }
}

TEST_P(Batches, RefuseAPositionOfAnotherStream) {
  BatchConfig config{.batch_size = 8};
  config.start = BatchReader(manifest, config).position();
  config.batch_size = 9;
  EXPECT_THAT(error_message([&] { BatchReader(manifest, config); }), HasSubstr("position belongs to other data"));
}

TEST_P(Batches, GiveOnlyTheRequestedPart) {
  const auto part_numbers = [&](Part part) { return read(manifest, {.part = part}).sorted(); };
  const auto training = part_numbers(Part::training), validation = part_numbers(Part::validation),
             test = part_numbers(Part::test);
  EXPECT_EQ(training.size(), 102u);
  EXPECT_EQ(validation.size(), 51u);
  for (const auto number : validation) EXPECT_EQ(number % 4, 2u);
  for (const auto number : test) EXPECT_EQ(number % 4, 3u);
}

TEST_P(Batches, GiveWholeShardsAsParts) {
  const std::vector<Part> of_shards = parts_of_shards(manifest.shards.size());
  std::vector<std::optional<Part>> parts;
  for (std::size_t i = 0; i < of_shards.size(); ++i)
    parts.insert(parts.end(), manifest.shards[i].records.size(), of_shards[i]);
  PackManifest by_shard = manifest;
  assign_parts(by_shard, parts);
  std::multiset<std::size_t> all;
  std::size_t largest = 0;
  for (const Part part : {Part::training, Part::validation, Part::test}) {
    const auto seen = read(by_shard, {.part = part}).sorted();
    all.insert(seen.begin(), seen.end());
    largest = std::max(largest, seen.size());
  }
  EXPECT_EQ(all, numbers(203));
  EXPECT_EQ(largest, 121u);  // three of the five shards
}

TEST_P(Batches, AreDividedAmongRanks) {
  for (const int ranks : {2, 3, 7}) {
    std::multiset<std::size_t> all;
    for (int rank = 0; rank < ranks; ++rank) {
      BatchConfig config{.batch_size = 4, .shuffle_records = 30, .rank = rank, .ranks = ranks};
      const auto seen = read(manifest, config).sorted();
      EXPECT_NEAR(static_cast<double>(seen.size()), 203.0 / ranks, 1);
      all.insert(seen.begin(), seen.end());
      config.drop_remainder = true;
      const auto whole = read(manifest, config);
      EXPECT_EQ(whole.batches.size(), 203u / static_cast<unsigned>(ranks) / 4);
      for (const auto& batch : whole.batches) EXPECT_EQ(batch.size(), 4u);
    }
    EXPECT_EQ(all, numbers(203));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Batches, ::testing::Values(Compression::none, Compression::gzip),
                         [](const auto& each) { return std::string(to_string(each.param)); });

TEST(BatchReader, RepeatsIndefinitelyWithZeroEpochs) {
  const TemporaryFolder folder;
  BatchReader reader(packed(folder / "pack", 10, {.shards = 2}), {.batch_size = 4, .epochs = 0});
  const auto seen = read(reader, 100);
  EXPECT_EQ(seen.batches.size(), 100u);
  EXPECT_EQ(reader.position().epoch, 33u);
  EXPECT_EQ(reader.position().batch, 1u);
}

TEST(BatchReader, CachesOnlyIfEverythingFits) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 40);
  std::uint64_t bytes = 0;
  for (const auto& shard : manifest.shards) bytes += shard.bytes;
  BatchConfig config{.batch_size = 8, .shuffle_records = 100, .epochs = 3, .workers = 0, .damage_budget = 1};
  config.cache_bytes = bytes - 1;
  BatchReader uncached(manifest, config);
  config.cache_bytes = bytes;
  BatchReader cached(manifest, config);
  EXPECT_EQ(read(uncached, 5).all().size(), 40u);
  EXPECT_EQ(read(cached, 5).all().size(), 40u);
  for (const auto& shard : manifest.shards) put_file(folder / "pack" / shard.file, "");  // the cache replaces them
  EXPECT_LT(read(uncached).all().size(), 80u);
  EXPECT_EQ(read(cached).all().size(), 80u);
  EXPECT_TRUE(cached.damage().empty());
}

TEST(BatchReader, LeavesOutAndReportsDamagedRecords) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 40);
  const auto& shard = manifest.shards[2];
  const auto path = folder / "pack" / shard.file;
  const auto whole = read_file(path);
  const std::size_t offset = shard.records[3].offset;
  const std::pair<std::size_t, std::string> flips[] = {{offset + 2, "damaged length"},
                                                       {offset + 9, "damaged length"},
                                                       {offset + 30, "damaged data"},
                                                       {offset + 12 + shard.records[3].payload_bytes, "damaged data"}};
  for (const auto& [byte, reason] : flips) {
    auto flipped = whole;
    flipped[byte] = static_cast<char>(flipped[byte] ^ 4);
    put_file(path, flipped);
    BatchReader reader(manifest, {.batch_size = 8, .epochs = 2, .damage_budget = 0.03});
    auto expected = numbers(40);
    expected.erase(number_of(shard.records[3].track_id));
    const auto seen = read(reader);
    auto twice = expected;
    twice.insert(expected.begin(), expected.end());
    EXPECT_EQ(seen.sorted(), twice);
    ASSERT_EQ(reader.damage().size(), 1u);
    EXPECT_EQ(reader.damage()[0].reason, reason);
    EXPECT_EQ(reader.damage()[0].where, path.string() + " @ " + std::to_string(offset));
  }
}

TEST(BatchReader, ReportsTheLastRecordAsTruncatedIfAnyOfItsBytesIsMissing) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 40);
  const auto& shard = manifest.shards[2];
  const auto path = folder / "pack" / shard.file;
  const auto whole = read_file(path);
  const auto last = std::ranges::max_element(shard.records, {}, &PackedRecord::offset);
  for (const std::size_t missing : {std::size_t{1}, std::size_t{4}, std::size_t{15}, whole.size() - last->offset}) {
    put_file(path, whole.substr(0, whole.size() - missing));
    BatchReader reader(manifest, {.batch_size = 8, .damage_budget = 0.03});
    auto expected = numbers(40);
    expected.erase(number_of(last->track_id));
    EXPECT_EQ(read(reader).sorted(), expected) << missing;
    ASSERT_EQ(reader.damage().size(), 1u);
    EXPECT_EQ(reader.damage()[0].reason, "truncated");
  }
}

TEST(BatchReader, FailsWhenMoreIsDamagedThanIsAllowed) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 40);
  const auto path = folder / "pack" / manifest.shards[2].file;
  auto flipped = read_file(path);
  flipped[30] = static_cast<char>(flipped[30] ^ 4);
  put_file(path, flipped);
  for (const int workers : {0, 2}) {
    BatchReader reader(manifest, {.workers = workers});
    EXPECT_THAT(error_message([&] { read(reader); }), HasSubstr("1 of 40 so far"));
    Batch batch;
    EXPECT_THROW(reader.next(batch), Error);  // the error persists
  }
}

TEST(BatchReader, CutAtEveryByteNeverGivesAWrongExample) {
  const TemporaryFolder folder;
  for (const auto compression : {Compression::none, Compression::gzip}) {
    const auto name = std::string(to_string(compression));
    const auto manifest = packed(folder / name, 12, {.shards = 2, .compression = compression});
    const auto path = folder / name / manifest.shards[1].file;
    const auto whole = read_file(path);
    for (std::size_t size = 0; size < whole.size(); size += compression == Compression::none ? 1 : 7) {
      put_file(path, whole.substr(0, size));
      BatchReader reader(manifest, {.batch_size = 5, .workers = 0, .damage_budget = 1});
      const auto seen = read(reader);
      ASSERT_EQ(seen.all().size() + reader.damage().size(), 12u) << size;
      ASSERT_GE(seen.all().size(), 6u) << size;
    }
  }
}

TEST(BatchReader, FailsAtOnceWhenAShardIsMissing) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 40);
  fs::remove(folder / "pack" / manifest.shards[1].file);
  EXPECT_THAT(error_message([&] { BatchReader(manifest, {}); }), HasSubstr("missing shard"));
  BatchReader tolerant(manifest, {.damage_budget = 0.5});
  EXPECT_EQ(read(tolerant).all().size(), 30u);
  EXPECT_EQ(tolerant.damage().size(), 10u);
}

TEST(BatchReader, RefusesRecordsThatDifferFromTheManifest) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 40);
  fs::copy_file(folder / "pack" / manifest.shards[0].file, folder / "pack" / manifest.shards[1].file,
                fs::copy_options::overwrite_existing);
  BatchReader reader(manifest, {.damage_budget = 1});
  EXPECT_EQ(read(reader).all().size(), 30u);
  EXPECT_EQ(reader.damage().size(), 10u);
  auto other_size = packed(folder / "other", 40);
  other_size.values = 8;
  EXPECT_THAT(error_message([&] {
                BatchReader wrong(other_size, {});
                Batch batch;
                wrong.next(batch);
              }),
              HasSubstr("wrong size"));
}

TEST(BatchReader, ReadsFloat16AndUint8) {
  const TemporaryFolder folder;
  for (const auto stored : {StoredAs::float16, StoredAs::uint8}) {
    const auto name = std::string(to_string(stored));
    BatchReader reader(packed(folder / name, 12, {.shards = 2, .stored_as = stored}), {.batch_size = 12});
    Batch batch;
    ASSERT_TRUE(reader.next(batch));
    for (std::size_t i = 0; i < 12; ++i) {
      const auto expected = values_of(number_in(batch, i));
      for (std::size_t k = 0; k < kValues; ++k) EXPECT_NEAR(batch.row(i)[k], expected[k], 0.002);
    }
  }
}

TEST(BatchReader, ReadsPacksThatAPatternMatches) {
  const TemporaryFolder folder;
  packed(folder / "packs/a", 20, {.shards = 2});
  packed(folder / "packs/b", 12, {.shards = 3});
  auto both = numbers(20);
  both.merge(numbers(12));
  EXPECT_EQ(read(open_pack(folder / "packs" / "*"), {.batch_size = 5}).sorted(), both);
  EXPECT_EQ(read(open_pack(folder / "packs" / "a*"), {.batch_size = 5}).sorted(), numbers(20));
}

TEST(BatchReader, RefusesConfigurationsWithoutBatches) {
  const TemporaryFolder folder;
  auto job = numbered_job(10);
  for (auto& part : job.parts) part.reset();
  job.split_scheme = "none";
  Progress quiet;
  pack_examples(job, folder / "pack", {.shards = 2}, quiet);
  const auto manifest = open_pack(folder / "pack");
  const auto with = [&](BatchConfig config) { return error_message([&] { BatchReader(manifest, config); }); };
  EXPECT_THAT(with({.part = Part::test}), HasSubstr("use whole shards as parts"));
  EXPECT_THAT(with({.batch_size = 11, .drop_remainder = true}), HasSubstr("no batch"));
  EXPECT_THAT(with({.batch_size = 0}), HasSubstr("batch size"));
  EXPECT_THAT(with({.rank = 2, .ranks = 2}), HasSubstr("rank"));
}

TEST(ForeignShards, AreReadWithoutAManifest) {
  const TemporaryFolder folder;
  for (const auto compression : {Compression::none, Compression::gzip, Compression::zlib}) {
    const fs::path location = folder / std::string(to_string(compression));
    fs::create_directory(location);
    for (int shard = 0; shard < 2; ++shard) {
      RecordWriter writer(location / ("study0" + std::to_string(shard) + "-5.tfrec"), compression);
      for (std::size_t i = 0; i < 5; ++i) {
        const std::size_t number = 5 * static_cast<std::size_t>(shard) + i;
        const std::int64_t label = static_cast<std::int64_t>(number % 3);
        const std::vector<float> one_hot(8);
        ExampleWriter example;
        example.add("song", std::span<const float>(values_of(number)));
        example.add("class", std::span(&label, 1));
        example.add("one_hot_class", std::span<const float>(one_hot));
        example.add("track_id", std::string_view("t" + std::to_string(number)));
        writer.write(example.finish());
      }
      writer.commit();
    }
    const auto manifest = open_pack(location);
    EXPECT_EQ(manifest.labels.size(), 8u);
    EXPECT_EQ(manifest.values, kValues);
    EXPECT_EQ(read(manifest, {.batch_size = 3, .shuffle_records = 4}).sorted(), numbers(10));
    const auto one_file = open_pack(location / "study01-5.tfrec");
    EXPECT_EQ(one_file.size(), 5u);
    EXPECT_EQ(one_file.folder, location);
    fs::remove(location / "study00-5.tfrec");
    const auto one_in_a_folder = open_pack(location);
    EXPECT_EQ(one_in_a_folder.size(), 5u);
    EXPECT_EQ(one_in_a_folder.folder, location);
  }
}

TEST(ForeignShards, MayBeginWithARecordThatCannotBeUsed) {
  const TemporaryFolder folder;
  for (const auto compression : {Compression::none, Compression::gzip, Compression::zlib}) {
    const auto file = folder / (std::string(to_string(compression)) + ".tfrec");
    RecordWriter writer(file, compression);
    ExampleWriter other;
    other.add("image", std::string_view("x"));
    writer.write(other.finish());
    for (std::size_t i = 0; i < 4; ++i) {
      const std::int64_t label = static_cast<std::int64_t>(i % 3);
      ExampleWriter example;
      example.add("song", std::span<const float>(values_of(i)));
      example.add("class", std::span(&label, 1));
      writer.write(example.finish());
    }
    writer.commit();
    BatchReader reader(open_pack(file), {.batch_size = 3, .damage_budget = 0.5});
    EXPECT_EQ(read(reader).sorted(), numbers(4)) << to_string(compression);
    EXPECT_TRUE(reader.damage().empty());
  }
}

TEST(ForeignShards, CountTowardsTheDamageBudget) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 40);
  fs::remove(folder / "pack" / "manifest.json");
  const auto path = folder / "pack" / manifest.shards[0].file;
  auto flipped = read_file(path);
  flipped[30] = static_cast<char>(flipped[30] ^ 1);
  put_file(path, flipped);
  const auto foreign = open_pack(folder / "pack");
  EXPECT_EQ(foreign.size(), 39u);
  EXPECT_THAT(error_message([&] { BatchReader(foreign, {}); }), HasSubstr("damaged data"));
  EXPECT_EQ(read(foreign, {.damage_budget = 0.1}).all().size(), 39u);
}

TEST(ForeignShards, LeaveOutAndNameRecordsWithNumbersThatAreNotFinite) {
  const TemporaryFolder folder;
  RecordWriter writer(folder / "x.tfrec");
  for (std::size_t i = 0; i < 5; ++i) {
    auto values = values_of(i);
    if (i == 3) values[2] = std::numeric_limits<float>::quiet_NaN();
    const std::int64_t label = 0;
    ExampleWriter example;
    example.add("song", std::span<const float>(values));
    example.add("class", std::span(&label, 1));
    writer.write(example.finish());
  }
  writer.commit();
  const auto manifest = open_pack(folder / "x.tfrec");
  EXPECT_EQ(manifest.size(), 4u);
  ASSERT_EQ(manifest.skipped.size(), 1u);
  EXPECT_EQ(manifest.skipped[0].reason, "not a finite number");
  EXPECT_THAT(manifest.skipped[0].where, HasSubstr("x.tfrec @ "));
  EXPECT_THAT(manifest.skipped[0].detail, HasSubstr("record 3 of the file: value 2 of `song` is nan"));
}

TEST(ForeignShards, OfAnotherKindAreRefused) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_message([&] { open_pack(folder.path()); }), HasSubstr("is not a pack"));
  RecordWriter writer(folder / "other.tfrec");
  ExampleWriter example;
  example.add("image", std::string_view("x"));
  writer.write(example.finish());
  writer.commit();
  EXPECT_THAT(error_message([&] { open_pack(folder.path()); }), HasSubstr("no key `song`"));
}

TEST(BatchReader, RefusesNumbersOutsideTheirRange) {
  const TemporaryFolder folder;
  const auto manifest = packed(folder / "pack", 10);
  const auto with = [&](BatchConfig config) { return error_message([&] { BatchReader(manifest, config); }); };
  EXPECT_EQ(with({.workers = 0, .damage_budget = 0}), "no error");
  EXPECT_EQ(with({.damage_budget = 1}), "no error");
  EXPECT_THAT(with({.workers = -1}), HasSubstr("workers cannot be negative"));
  EXPECT_THAT(with({.prefetch_batches = 0}), HasSubstr("at least 1 batch must be read ahead"));
  EXPECT_THAT(with({.rank = -1, .ranks = 2}), HasSubstr("rank must be below"));
  EXPECT_THAT(with({.rank = 0, .ranks = 0}), HasSubstr("rank must be below"));
  EXPECT_EQ(with({.batch_size = 1, .rank = 1, .ranks = 2}), "no error");
  EXPECT_THAT(with({.damage_budget = -0.1}), HasSubstr("between 0 and 1"));
  EXPECT_THAT(with({.damage_budget = 1.1}), HasSubstr("between 0 and 1"));
}

}  // namespace
}  // namespace genrewise
