// Records of other programs, whose keys the user names.
#include "genrewise/data_source/record_examples.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "genrewise/base/error.hpp"
#include "genrewise/records/example.hpp"
#include "genrewise/records/protobuf_wire.hpp"
#include "genrewise/records/record_writer.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

/// The Features message of an Example's payload.
std::string features_of(ExampleWriter& example) {
  const std::string payload(example.finish());
  std::size_t at = 1;
  while (static_cast<unsigned char>(payload[at]) >= 0x80) ++at;
  return payload.substr(at + 1);
}

/// A SequenceExample with a bytes list of `steps` under "embedding", labels and an id.
std::string sequence(const std::string& id, const std::vector<std::int64_t>& labels,
                     const std::vector<std::string>& steps) {
  ExampleWriter context;
  context.add("labels", labels);
  context.add("video_id", id);
  std::string list;
  for (const std::string& step : steps) {
    std::string bytes, feature;
    wire::put_bytes(bytes, 1, step);
    wire::put_bytes(feature, 1, bytes);
    wire::put_bytes(list, 1, feature);
  }
  std::string entry, lists, record;
  wire::put_bytes(entry, 1, "embedding");
  wire::put_bytes(entry, 2, list);
  wire::put_bytes(lists, 1, entry);
  wire::put_bytes(record, 1, features_of(context));
  wire::put_bytes(record, 2, lists);
  return record;
}

void write_records(const std::filesystem::path& path, const std::vector<std::string>& payloads) {
  std::filesystem::create_directories(path.parent_path());
  RecordWriter writer(path);
  for (const std::string& payload : payloads) writer.write(payload);
  writer.commit();
}

const RecordKeys kKeys{.features = "embedding", .label = "labels", .id = "video_id"};

Examples read(const std::filesystem::path& location, const RecordKeys& keys, std::vector<Fault>& skipped) {
  Progress quiet;
  return read_record_examples(location, keys, "fma518", skipped, quiet);
}

TEST(RecordExamples, ReadsSequencesByNamedKeysAndPoolsTheirSteps) {
  const TemporaryFolder folder;
  write_records(folder / "train/a.tfrecord", {sequence("x", {7}, {{"\x02\x04", 2}, {"\x04\x08", 2}})});
  write_records(folder / "eval/b.tfrecord-00000-of-00001", {sequence("y", {9}, {{"\x01\x01", 2}})});
  std::vector<Fault> skipped;
  RecordKeys keys = kKeys;
  const Examples mean = read(folder.path(), keys, skipped);
  EXPECT_THAT(mean.labels, ElementsAre("7", "9"));
  EXPECT_THAT(mean.subjects.ids, ElementsAre("y", "x"));
  EXPECT_THAT(mean.subjects.official, ElementsAre(Part::test, Part::training));
  EXPECT_THAT(mean.table.values.row(1), ElementsAre(3, 6));
  keys.pool = RecordPool::mean_std;
  EXPECT_THAT(read(folder.path(), keys, skipped).table.values.row(1), ElementsAre(3, 6, 1, 2));
  EXPECT_TRUE(skipped.empty());
}

TEST(RecordExamples, KeepsStepsInOrderWithoutPoolingAndSkipsOtherLengths) {
  const TemporaryFolder folder;
  write_records(folder / "a.tfrecord",
                {sequence("x", {1}, {{"\x02\x04", 2}, {"\x04\x08", 2}}), sequence("short", {1}, {{"\x02\x04", 2}}),
                 sequence("uneven", {1}, {{"\x02\x04", 2}, {"\x04", 1}})});
  std::vector<Fault> skipped;
  RecordKeys keys = kKeys;
  keys.pool = RecordPool::none;
  const Examples examples = read(folder.path(), keys, skipped);
  EXPECT_THAT(examples.table.values.row(0), ElementsAre(2, 4, 4, 8));
  ASSERT_EQ(skipped.size(), 2u);
  for (const Fault& fault : skipped) EXPECT_EQ(fault.reason, "wrong size");
}

TEST(RecordExamples, ReadsFloatsIntegersAndHalvesOfPlainExamples) {
  const TemporaryFolder folder;
  std::vector<std::string> payloads;
  ExampleWriter writer;
  writer.add("labels", "Jazz");
  writer.add("embedding", std::vector<float>{0.5f, -2});
  payloads.emplace_back(writer.finish());
  writer.clear();
  writer.add("labels", "Rock");
  writer.add("embedding", std::vector<std::int64_t>{3, -4});
  payloads.emplace_back(writer.finish());
  writer.clear();
  writer.add("labels", "Rock");
  writer.add("embedding", std::string_view("\x00\x3c\x00\xc0", 4));  // 1 and -2 as float16
  payloads.emplace_back(writer.finish());
  write_records(folder / "a.tfrecords", payloads);
  std::vector<Fault> skipped;
  RecordKeys keys = kKeys;
  keys.bytes = RecordBytes::float16;
  const Examples examples = read(folder / "a.tfrecords", keys, skipped);
  EXPECT_THAT(examples.labels, ElementsAre("Jazz", "Rock"));
  EXPECT_THAT(examples.table.values.row(0), ElementsAre(0.5f, -2));
  EXPECT_THAT(examples.table.values.row(1), ElementsAre(3, -4));
  EXPECT_THAT(examples.table.values.row(2), ElementsAre(1, -2));
  EXPECT_EQ(examples.subjects.ids.front(), "a.tfrecords 0");
}

TEST(RecordExamples, ChoosesRecordsWithOneLabelOfTheClassMap) {
  const TemporaryFolder folder;
  write_file(folder / "classes.csv", "index,mid,display_name\n7,/m/7,Jazz\n8,/m/8,Jazz\n9,/m/9,Rock\n");
  write_records(folder / "a.tfrecord", {sequence("one", {7, 8, 100}, {"a"}), sequence("two", {7, 9}, {"b"}),
                                        sequence("none", {100}, {"c"}), sequence("rock", {9}, {"d"})});
  std::vector<Fault> skipped;
  RecordKeys keys = kKeys;
  keys.classes = folder / "classes.csv";
  const Examples examples = read(folder.path(), keys, skipped);
  EXPECT_THAT(examples.subjects.ids, ElementsAre("one", "rock"));
  EXPECT_THAT(examples.labels, ElementsAre("Jazz", "Rock"));
  ASSERT_EQ(skipped.size(), 2u);
  EXPECT_EQ(skipped[0].reason, "several labels");
  EXPECT_EQ(skipped[1].reason, "no label of the class map");
  keys.one_class = "Rock";
  skipped.clear();
  const Examples against = read(folder.path(), keys, skipped);
  EXPECT_THAT(against.labels, ElementsAre("Rock", "not Rock"));
  EXPECT_THAT(against.subjects.labels, ElementsAre(1, 0, 1, 0));
  keys.one_class = "Polka";
  EXPECT_THAT(error_message([&] { read(folder.path(), keys, skipped); }),
              AllOf(HasSubstr("Polka"), HasSubstr("classes.csv")));
}

TEST(RecordExamples, NamesTheKeysThatAreThere) {
  const TemporaryFolder folder;
  write_records(folder / "a.tfrecord", {sequence("x", {7}, {"a"})});
  std::vector<Fault> skipped;
  RecordKeys keys = kKeys;
  keys.features = "audio";
  EXPECT_THAT(error_message([&] { read(folder.path(), keys, skipped); }),
              AllOf(HasSubstr("no such key"), HasSubstr("'audio'"), HasSubstr("embedding, labels, video_id"),
                    HasSubstr("genrewise inspect")));
  Progress quiet;
  const RecordSummary summary = summarise_records(folder.path(), {.features = {}, .label = "labels"}, quiet);
  EXPECT_EQ(summary.keys.at("embedding").kind, "sequence of bytes");
  EXPECT_EQ(summary.keys.at("video_id").sample, "x");
  EXPECT_EQ(summary.labels.at("7"), 1u);
}

TEST(RecordExamples, SkipsDamagedRecordsAndFiles) {
  const TemporaryFolder folder;
  write_records(folder / "a.tfrecord", {sequence("x", {7}, {"a"}), sequence("y", {7}, {"b"})});
  write_records(folder / "b.tfrecord", {sequence("z", {7}, {"c"})});
  std::string damaged = read_file(folder / "a.tfrecord");
  damaged[20] = static_cast<char>(damaged[20] ^ 1);
  write_file(folder / "a.tfrecord", damaged);
  write_file(folder / "c.tfrecord", "this is no record file, although its name is one's");
  std::vector<Fault> skipped;
  const Examples examples = read(folder.path(), kKeys, skipped);
  EXPECT_THAT(examples.subjects.ids, ElementsAre("y", "z"));
  EXPECT_GE(skipped.size(), 2u);
}

TEST(RecordExamples, RefusesEncodedFilesWithoutBeingTold) {
  const TemporaryFolder folder;
  write_records(folder / "a.tfrecord", {sequence("x", {7}, {"RIFF...."})});
  std::vector<Fault> skipped;
  EXPECT_THAT(error_message([&] { read(folder.path(), kKeys, skipped); }), HasSubstr("--record-bytes audio"));
  RecordKeys keys = kKeys;
  keys.bytes = RecordBytes::audio;
  EXPECT_THAT(error_message([&] { read(folder.path(), keys, skipped); }), HasSubstr("none of the records"));
}

TEST(ClassMap, RefusesInvalidFilesWithTheirLine) {
  const TemporaryFolder folder;
  const auto message = [&](const char* text) {
    write_file(folder / "map.csv", text);
    return error_message([&] { read_class_map(folder / "map.csv"); });
  };
  EXPECT_THAT(message(""), HasSubstr("empty"));
  EXPECT_THAT(message("a,b\n1,2\n"), AllOf(HasSubstr("no column"), HasSubstr("index,name")));
  EXPECT_THAT(message("index,name\n1,Rock\n1,Jazz\n"), AllOf(HasSubstr("map.csv:3"), HasSubstr("both")));
  EXPECT_THAT(message("index,name\n1\n"), HasSubstr("map.csv:2"));
  EXPECT_EQ(message("index,name\n1,Rock\n"), "no error");
}

TEST(RecordFiles, AreFoundByTheNamesThatTensorflowWrites) {
  const TemporaryFolder folder;
  for (const char* name : {"a.tfrecord", "b.tfrec", "c.tfrecord-00000-of-00002", "train-00001-of-00016",
                           "d.tfrecords.gz", "notes.txt", "train-1-of-2"})
    write_file(folder / name, "x");
  EXPECT_EQ(find_record_files(folder.path()).size(), 5u);
  EXPECT_TRUE(find_record_files(folder / "notes.txt").empty());
}

TEST(RecordSummary, ListsKeysWithTheirKindsAndSizesAndCountsLabels) {
  const TemporaryFolder folder;
  write_records(folder / "a.tfrecord", {sequence("v1", {3, 5}, {"ab", "cd", "ef"}), sequence("v2", {3}, {"ab"})});
  write_file(folder / "b.tfrecord", "no records");
  Progress quiet;
  const auto summary = to_json(summarise_records(folder.path(), {.features = "", .label = "labels"}, quiet));
  EXPECT_EQ(summary.at("files"), 2);
  EXPECT_EQ(summary.at("records"), 2);
  EXPECT_EQ(summary.at("labels"), (nlohmann::json{{"3", 2}, {"5", 1}}));
  EXPECT_EQ(summary.at("skipped").size(), 1u);
  EXPECT_EQ(summary.at("skipped").at(0).at("count"), 1);
  const auto& keys = summary.at("keys");
  ASSERT_EQ(keys.size(), 3u);
  EXPECT_EQ(keys.at(0), (nlohmann::json{{"key", "embedding"},
                                        {"kind", "sequence of bytes"},
                                        {"records", 2},
                                        {"least", 1},
                                        {"most", 3},
                                        {"sample", "ab"}}));
  EXPECT_EQ(keys.at(1),
            (nlohmann::json{
                {"key", "labels"}, {"kind", "integers"}, {"records", 2}, {"least", 1}, {"most", 2}, {"sample", "3"}}));
  EXPECT_EQ(keys.at(2).at("sample"), "v1");
}

TEST(RecordSummary, CountsOnlyLabelsOfTheClassMapByTheirNames) {
  const TemporaryFolder folder;
  write_records(folder / "a.tfrecord", {sequence("v1", {3, 5}, {"ab"}), sequence("v2", {3}, {std::string(41, 'x')})});
  write_file(folder / "map.csv", "index,display_name\n3,Rock\n");
  Progress quiet;
  const auto summary =
      summarise_records(folder.path(), {.features = "", .label = "labels", .classes = folder / "map.csv"}, quiet);
  EXPECT_EQ(summary.labels, (std::map<std::string, std::size_t>{{"Rock", 2}}));
  EXPECT_TRUE(summary.skipped.empty());
}

}  // namespace
}  // namespace genrewise
