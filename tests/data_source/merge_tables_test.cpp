#include "genrewise/data_source/merge_tables.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "audio/wav_writer.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/data_source/prepare.hpp"
#include "genrewise/features/feature_table.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/part_folder.hpp"
#include "support/stores_of_server.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

/// Length and first sample of a clip.
class FakeSet : public StoredFeatureSet {
 public:
  explicit FakeSet(int version = 1)
      : StoredFeatureSet({"fake", version, "hash" + std::to_string(version)},
                         {{"length", "value", "01"}, {"first, \"quoted\"", "value", "01"}}) {}
  Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const override {
    if (interrupt) request_interrupt();
    out[0] = static_cast<float>(clip.waveform().samples.size());
    out[1] = clip.waveform().samples[0];
    return {};
  }
  bool interrupt = false;
};

class MergeTables : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    dataset_.name = "made";
    dataset_.kind = "folder";
    dataset_.labels = {"A", "B \"quoted\"\n"};
    dataset_.root = folder_.path();
    for (int i = 0; i < 23; ++i) add(std::to_string(i), 2000 + 40 * i);
  }
  void TearDown() override { clear_interrupt(); }

  void add(const std::string& id, int samples) {
    std::vector<float> wave(static_cast<std::size_t>(samples), static_cast<float>(samples) / 10000);
    for (std::size_t i = 1; i < wave.size(); i += 2) wave[i] = -wave[i];  // constant samples would be silence
    const std::string bytes = testing::wav_of(wave, 1, 8000);
    write_file(folder_ / (id + ".wav"), samples % 3 == 0 ? "not audio" : bytes);
    Track track;
    track.id = id;
    track.path = folder_ / (id + ".wav");
    track.label = samples % 200 == 0 ? -1 : samples / 40 % 2;
    track.artist = "artist [] " + id;
    dataset_.tracks.push_back(track);
  }
  Dataset part_of(std::size_t number, std::size_t count) const {
    Dataset part = dataset_;
    keep_part(part, {number, count});
    return part;
  }
  void extract_part(std::size_t number, std::size_t count, const std::filesystem::path& output, int version = 1) {
    extract_features(part_of(number, count), FakeSet(version), output, quiet_, 1);
  }
  /// The table and its .json.
  static std::pair<std::string, std::string> files_of(const std::filesystem::path& table) {
    return {read_file(table), read_file(sidecar_path(table))};
  }
  std::filesystem::path output(const char* name) const { return out_ / (std::string(name) + GetParam()); }

  TemporaryFolder folder_, out_;
  Dataset dataset_;
  Progress quiet_;
};

INSTANTIATE_TEST_SUITE_P(Formats, MergeTables, ::testing::Values(".csv", ".npy"));

TEST_P(MergeTables, GivesTheBytesOfOneRunForAnyNumberOfParts) {
  extract_features(dataset_, FakeSet(), output("whole"), quiet_, 1);
  const auto whole = files_of(output("whole"));
  for (const std::size_t count : {1, 2, 5, 23}) {
    for (std::size_t number = count; number > 0; --number) extract_part(number, count, output("t"));
    const MergeResult merged = merge_tables(output("t"), false, quiet_);
    EXPECT_EQ(merged.parts, count);
    EXPECT_EQ(files_of(output("t")), whole) << count;
    const std::string name = output("t").filename().string();
    EXPECT_FALSE(folder_exists(output("t").string() + ".parts"));
    remove_file(output("t"));
    remove_file(sidecar_path(output("t")));
  }
}

TEST_P(MergeTables, IsTheSameInAnObjectStore) {
  testing::S3Server server;
  const testing::StoresOfServer stores(server);
  const std::filesystem::path table = std::string("s3://music/tables/t") + GetParam();
  extract_features(dataset_, FakeSet(), output("whole"), quiet_, 1);
  for (std::size_t number = 1; number <= 4; ++number) extract_part(number, 4, table);
  merge_tables(table, false, quiet_);
  EXPECT_EQ(files_of(table), files_of(output("whole")));
  EXPECT_EQ(server.keys().size(), 2u);
}

TEST_P(MergeTables, WorksWhereTheStoreIsBusyAndItsListingsLagBehind) {
  testing::S3Server server;
  const testing::StoresOfServer stores(server);
  const std::filesystem::path table = std::string("s3://music/t") + GetParam();
  extract_features(dataset_, FakeSet(), output("whole"), quiet_, 1);
  int requests = 0;
  server.tamper = [&](const testing::S3Request& request, testing::S3Response& response) {
    if (request.query.contains("list-type"))
      response.body = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    else if (++requests % 7 == 0)
      response.status = 503;
    else if (requests % 7 == 3)
      response.reset = true;  // after the object was stored
  };
  for (std::size_t number = 1; number <= 3; ++number) extract_part(number, 3, table);
  merge_tables(table, true, quiet_);
  server.tamper = nullptr;
  EXPECT_EQ(files_of(table), files_of(output("whole")));
}

TEST_P(MergeTables, ListsMissingPartsAndWritesNothing) {
  for (const std::size_t number : {1, 2, 7}) extract_part(number, 9, output("t"));
  EXPECT_THAT(error_message([&] { merge_tables(output("t"), false, quiet_); }),
              HasSubstr("6 of its 9 parts are missing: 3-6 and 8-9"));
  EXPECT_FALSE(file_exists(output("t")));
}

TEST_P(MergeTables, CanBeRepeated) {
  extract_part(1, 1, output("t"));
  merge_tables(output("t"), true, quiet_);
  const auto first = files_of(output("t"));
  EXPECT_EQ(merge_tables(output("t"), false, quiet_).parts, 1u);
  const MergeResult again = merge_tables(output("t"), false, quiet_);
  EXPECT_EQ(again.parts, 0u);
  EXPECT_GT(again.rows, 0u);
  EXPECT_EQ(files_of(output("t")), first);
  EXPECT_THAT(error_message([&] { merge_tables(output("none"), false, quiet_); }), HasSubstr("has no parts"));
}

TEST_P(MergeTables, PartsOfAnotherNumberRecipeOrDatasetAreRefusedAtTheirStart) {
  extract_part(1, 2, output("t"));
  EXPECT_THAT(error_message([&] { extract_part(2, 3, output("t")); }), HasSubstr("contains parts of 2, not of 3"));
  EXPECT_THAT(error_message([&] { extract_part(2, 2, output("t"), 2); }),
              HasSubstr("another feature set: fake, version 1"));
  dataset_.tracks[3].artist = "another";
  EXPECT_THAT(error_message([&] { extract_part(2, 2, output("t")); }), HasSubstr("another dataset"));
}

TEST_P(MergeTables, DamagedPartsAreRefused) {
  for (std::size_t number = 1; number <= 2; ++number) extract_part(number, 2, output("t"));
  const auto part = PartFolder(output("t")).part({2, 2});
  const std::string bytes = read_file(part), sidecar = read_file(sidecar_path(part));
  std::string other = bytes;
  other[other.size() - 2] ^= 1;
  write_file(part, other);
  EXPECT_THAT(error_message([&] { merge_tables(output("t"), false, quiet_); }), HasSubstr("checksum does not fit"));
  write_file(part, bytes.substr(0, bytes.size() - 5));  // a crashed writer, where files are not atomic
  EXPECT_THAT(error_message([&] { merge_tables(output("t"), false, quiet_); }),
              HasSubstr("bytes, but its .json states"));
  write_file(part, bytes);
  write_file(sidecar_path(part), sidecar.substr(0, sidecar.size() / 2));
  EXPECT_NE(error_message([&] { merge_tables(output("t"), false, quiet_); }), "no error");
  write_file(sidecar_path(part), read_file(sidecar_path(PartFolder(output("t")).part({1, 2}))));
  EXPECT_NE(error_message([&] { merge_tables(output("t"), false, quiet_); }), "no error");
  EXPECT_FALSE(file_exists(output("t")));
  // Such a part is made again.
  extract_part(2, 2, output("t"));
  merge_tables(output("t"), false, quiet_);
}

TEST_P(MergeTables, AnInterruptedPartContinuesOnAnotherMachine) {
  testing::S3Server server;
  const testing::StoresOfServer stores(server);
  const std::filesystem::path table = std::string("s3://music/t") + GetParam();
  const TemporaryFolder first, second;
  FakeSet set;
  set.interrupt = true;  // at the first clip
  {
    const testing::Environment cache("XDG_CACHE_HOME", first.path().c_str());
    EXPECT_THROW(extract_features(part_of(1, 2), set, table, quiet_, 1), Interrupted);
  }
  clear_interrupt();
  set.interrupt = false;
  const testing::Environment cache("XDG_CACHE_HOME", second.path().c_str());
  EXPECT_GT(extract_features(part_of(1, 2), set, table, quiet_, 1).reused, 0u);
  EXPECT_FALSE(file_exists(PartFolder(table).part({1, 2}).string() + ".partial"));
}

TEST_P(MergeTables, APartThatAnotherMachineFinishesMeanwhileIsTakenOver) {
  testing::S3Server server;
  const testing::StoresOfServer stores(server);
  const std::filesystem::path table = std::string("s3://music/t") + GetParam();
  extract_part(1, 2, table);
  const auto part = PartFolder(table).part({1, 2});
  const auto there = files_of(part);
  remove_file(part);
  remove_file(sidecar_path(part));
  // The other machine's files appear when this one is about to write its own.
  server.tamper = [&](const testing::S3Request& request, testing::S3Response&) {
    if (request.method != "HEAD" || !request.key.ends_with(part.filename().string() + ".json")) return;
    server.put_unlocked(request.key, there.second);
    server.put_unlocked(request.key.substr(0, request.key.size() - 5), there.first);
  };
  extract_part(1, 2, table);
  EXPECT_EQ(files_of(part), there);
}

TEST_P(MergeTables, APartMayHaveNoUsableClip) {
  for (int i = 0; i < 23; ++i)
    if (i < 12) write_file(folder_ / (std::to_string(i) + ".wav"), "not audio");
  extract_features(dataset_, FakeSet(), output("whole"), quiet_, 1);
  for (std::size_t number = 1; number <= 4; ++number) extract_part(number, 4, output("t"));
  merge_tables(output("t"), false, quiet_);
  EXPECT_EQ(files_of(output("t")), files_of(output("whole")));
}

TEST_P(MergeTables, PartsAreADatasetToo) {
  extract_features(dataset_, FakeSet(), output("whole"), quiet_, 1);
  for (std::size_t number = 1; number <= 3; ++number) extract_part(number, 3, output("t"));
  const DataSource whole({.location = output("whole").string()});
  const DataSource parts({.location = output("t").string() + ".parts/*" + GetParam()});
  const Examples a = whole.load(quiet_).examples, b = parts.load(quiet_).examples;
  EXPECT_EQ(a.table.track_ids, b.table.track_ids);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.subjects.labels, b.subjects.labels);
  EXPECT_TRUE(std::ranges::equal(a.table.values.values(), b.table.values.values()));
  EXPECT_NE(whole.fingerprint(), parts.fingerprint());
  // A part that is matched twice.
  for (const char* name : {"", ".json"})
    write_file(out_ / (std::string("other") + GetParam() + name), read_file(output("whole").string() + name));
  const DataSource twice({.location = (out_ / (std::string("*") + GetParam())).string()});
  EXPECT_THAT(error_message([&] { twice.load(quiet_); }), HasSubstr("is in two of the tables"));
}

TEST(PartFolder, RefusesAPlanOfTooManyParts) {
  const TemporaryFolder folder;
  make_folders(folder / "t.csv.parts");
  write_file(folder / "t.csv.parts/plan.json",
             sealed_text({{"parts", kMostParts + 1}, {"facts", nlohmann::json::array()}}, 1));
  EXPECT_THAT(error_message([&] { PartFolder(folder / "t.csv").plan(); }), HasSubstr("number of parts"));
}

TEST(PartFolder, ListsNumbersAsRanges) {
  EXPECT_EQ(listed_numbers({}), "");
  EXPECT_EQ(listed_numbers({4}), "4");
  EXPECT_EQ(listed_numbers({1, 2, 3, 9}), "1-3 and 9");
  EXPECT_EQ(listed_numbers({1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23}),
            "1, 3, 5, 7, 9, 11, 13, 15, 17, 19 and 2 more");
}

}  // namespace
}  // namespace genrewise
