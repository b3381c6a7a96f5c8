// Records of other programs, whose keys the user names.
#include "genrewise/data_source/record_examples.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "cli/made_music.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/records/example.hpp"
#include "genrewise/records/protobuf_wire.hpp"
#include "genrewise/records/record_writer.hpp"
#include "genrewise/storage/files.hpp"
#include "support/pack_fixture.hpp"
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

/// An Example with these features.
template <class Values>
std::string example(const std::string& label, const Values& values) {
  ExampleWriter writer;
  writer.add("labels", label);
  writer.add("embedding", values);
  return std::string(writer.finish());
}

std::map<std::string, int> counts_of(const std::vector<Fault>& faults) {
  std::map<std::string, int> counts;
  for (const Fault& fault : faults) ++counts[fault.reason];
  return counts;
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
  EXPECT_EQ(mean.table.track_ids, mean.subjects.ids);
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

TEST(RecordExamples, AreShownWithTheFirstValueOfEachKey) {
  const TemporaryFolder folder;
  ExampleWriter writer;
  writer.add("floats", std::vector<float>{1.5F, 2, 3});
  writer.add("integers", std::vector<std::int64_t>{-7, 8, 9});
  writer.add("text", "Jazz");
  writer.add("bytes", std::string(50, 'x'));
  write_records(folder / "a.tfrecord", {std::string(writer.finish())});
  Progress quiet;
  const auto keys = summarise_records(folder.path(), {}, quiet).keys;
  EXPECT_EQ(keys.at("floats").sample, "1.5");
  EXPECT_EQ(keys.at("integers").sample, "-7");
  EXPECT_EQ(keys.at("text").sample, "Jazz");
  EXPECT_EQ(keys.at("bytes").sample, "50 bytes");
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

TEST(RecordExamples, ReadsThePacksOfGenrewiseAsTheyWereWritten) {
  const TemporaryFolder folder;
  const RecordForm form{.features = "embedding", .label = "labels", .id = "video_id", .steps = testing::kValues};
  for (const auto& [stored, bytes] : {std::pair(StoredAs::float32, RecordBytes::uint8),
                                      {StoredAs::float16, RecordBytes::float16},
                                      {StoredAs::uint8, RecordBytes::uint8}}) {
    for (const std::size_t steps : {std::size_t{0}, testing::kValues}) {
      const auto location = folder / (std::string(to_string(stored)) + std::to_string(steps));
      RecordForm written = form;
      written.steps = steps;
      const PackManifest manifest = testing::packed(location, 20, {.shards = 2, .stored_as = stored, .form = written});
      std::vector<Fault> skipped;
      Progress quiet;
      const Examples packed = read_packed_examples(manifest, skipped, quiet);
      RecordKeys keys = kKeys;
      keys.bytes = bytes;
      keys.pool = RecordPool::none;
      const Examples records = read(location, keys, skipped);
      EXPECT_TRUE(skipped.empty());
      EXPECT_EQ(records.subjects.ids, packed.subjects.ids);
      EXPECT_TRUE(std::ranges::equal(records.table.values.values(), packed.table.values.values()));
      EXPECT_THAT(records.labels, ElementsAre("0", "1", "2"));
    }
  }
}

TEST(RecordExamples, NumbersRepeatedIdsWithoutCollisions) {
  const TemporaryFolder folder;
  write_records(folder / "a.tfrecord", {sequence("x", {7}, {"a"}), sequence("x #2", {7}, {"b"}),
                                        sequence("x", {7}, {"c"}), sequence("x", {7}, {"d"})});
  std::vector<Fault> skipped;
  const SplitSubjects subjects = read(folder.path(), kKeys, skipped).subjects;
  EXPECT_THAT(subjects.ids, ElementsAre("x", "x #2", "x #3", "x #4"));
  EXPECT_THAT(subjects.tracks, ElementsAre("x", "x #2", "x", "x"));
}

/// The faults of records beside two that can be used.
std::vector<Fault> faults_of(const std::vector<std::string>& payloads, RecordKeys keys = kKeys) {
  const TemporaryFolder folder;
  write_records(folder / "good.tfrecord", {sequence("good", {7}, {"ab", "cd"}), sequence("well", {7}, {"ab"})});
  write_records(folder / "other.tfrecord", payloads);
  std::vector<Fault> skipped;
  EXPECT_THAT(read(folder.path(), keys, skipped).subjects.ids, ElementsAre("good", "well"));
  for (const Fault& fault : skipped) EXPECT_THAT(fault.where, HasSubstr("other.tfrecord"));
  return skipped;
}

TEST(RecordFaults, NameTheKeysOfARecordThatLacksOne) {
  ExampleWriter writer;
  writer.add("labels", "Jazz");
  writer.add("sound", std::vector<float>{1});
  const auto faults = faults_of({std::string(writer.finish()), ""});
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(to_string(faults[0]).substr(faults[0].where.size()), ": no such key ('embedding'; it has labels, sound)");
  EXPECT_EQ(faults[1].detail, "'labels'; it has none");
}

TEST(RecordFaults, OfLengthsThatDifferNameBothAndTheRemedy) {
  const auto faults = faults_of(
      {sequence("steps", {7}, {{"a", 1}, {"bc", 2}}), sequence("wide", {7}, {"abc"}), sequence("e", {7}, {})});
  ASSERT_EQ(faults.size(), 3u);
  EXPECT_EQ(faults[0].reason, "wrong size");
  EXPECT_THAT(faults[0].detail, HasSubstr("wide has 3 numbers, not 2 as most"));
  EXPECT_EQ(faults[1].detail, "a step has 2 numbers, not 1");
  EXPECT_EQ(faults[2].reason, "no features");
  RecordKeys keys = kKeys;
  keys.bytes = RecordBytes::float32;
  keys.features = "wide";
  ExampleWriter writer;
  writer.add("labels", "Jazz");
  writer.add("wide", "12345");
  const TemporaryFolder folder;
  write_records(folder / "a.tfrecord", {std::string(writer.finish())});
  std::vector<Fault> skipped;
  EXPECT_THAT(error_message([&] { read(folder.path(), keys, skipped); }),
              HasSubstr("5 bytes are no whole number of values of 4"));
}

TEST(RecordFaults, OfSeveralLabelsNameTheOptionsThatChoose) {
  const auto faults = faults_of({sequence("two", {7, 9}, {"ab"}), sequence("none", {}, {"ab"})});
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0].reason, "several labels");
  EXPECT_EQ(faults[0].detail, "7, 9: choose some with --class-map or --one-class");
  EXPECT_EQ(faults[1].reason, "no label");
  ExampleWriter writer;
  writer.add("labels", std::vector<float>{0, 1});
  EXPECT_EQ(faults_of({std::string(writer.finish())})[0].reason, "labels are floats");
}

TEST(RecordFaults, OfBytesThatAreNoAudioAreThoseOfTheDecoder) {
  const TemporaryFolder folder;
  const std::string image("\xff\xd8\xff\xe0\0\x10JFIF", 11);
  const auto wav = testing::made_wav("tones", 0, 1);
  write_records(folder / "a.tfrecord",
                {example("Jazz", std::string_view(wav)), example("Jazz", std::string_view(image)),
                 example("Jazz", std::string_view("no audio at all, only text")), example("Jazz", std::string_view()),
                 example("Jazz", std::vector<float>{1, 2}), sequence("steps", {1}, {"ab", "cd"})});
  RecordKeys keys{.features = "embedding", .label = "labels"};
  keys.bytes = RecordBytes::audio;
  std::vector<Fault> skipped;
  Progress quiet;
  const Examples examples = read_record_examples(folder.path(), keys, "raw10k", skipped, quiet);
  EXPECT_EQ(examples.subjects.ids.size(), 1u);
  EXPECT_EQ(examples.table.values.cols(), 10000u);
  std::vector<std::string> reasons;
  for (const Fault& fault : skipped) reasons.push_back(fault.reason);
  EXPECT_THAT(reasons, ElementsAre("no audio in it", "not audio", "empty file", "no audio file", "no audio file"));
  keys.bytes = RecordBytes::uint8;
  EXPECT_THAT(
      faults_of({example("Jazz", std::string_view(image)), example("Jazz", std::string_view(wav))}, kKeys)[0].detail,
      HasSubstr("images are not supported"));
}

TEST(RecordFaults, OfDamageLeaveTheGoodRecordsAndFiles) {
  const TemporaryFolder folder;
  write_records(folder / "a.tfrecord",
                {sequence("a", {7}, {"a"}), sequence("b", {7}, {"b"}), sequence("c", {7}, {"c"})});
  write_records(folder / "b.tfrecord", {sequence("d", {7}, {"d"})});
  write_records(folder / "c.tfrecord", {sequence("e", {7}, {"e"}), "no protocol buffer"});
  std::string bytes = read_file(folder / "a.tfrecord");
  bytes[20] = static_cast<char>(bytes[20] ^ 1);
  write_file(folder / "a.tfrecord", bytes.substr(0, bytes.size() - 3));
  write_file(folder / "d.tfrecord", "this is no record file, although its name is one's");
  write_file(folder / "e.tfrecord", "");
  std::vector<Fault> skipped;
  EXPECT_THAT(read(folder.path(), kKeys, skipped).subjects.ids, ElementsAre("b", "d", "e"));
  EXPECT_THAT(counts_of(skipped), ElementsAre(std::pair("damaged data", 1), std::pair("damaged length", 1),
                                              std::pair("not an Example", 1), std::pair("truncated", 1)));
}

/// AudioSet's VGGish embeddings as others wrote them.
TEST(AudioSetRecords, AreReadFromEveryFile) {
  REQUIRE_SHARED(audioset, "data/audioset_vggish");
  REQUIRE_SHARED(names, "weights/audioset_labels.csv");
  Progress quiet;
  RecordKeys keys{.features = "audio_embedding", .label = "labels", .id = "video_id", .classes = names};
  const RecordSummary summary = summarise_records(audioset, keys, quiet);
  EXPECT_EQ(summary.files, 240u);
  EXPECT_EQ(summary.records, 1296u);
  EXPECT_TRUE(summary.skipped.empty());
  EXPECT_EQ(summary.labels.size(), 523u);
  EXPECT_EQ(summary.labels.at("Music"), 356u);
  EXPECT_EQ(summary.labels.at("Speech"), 323u);
  std::vector<Fault> skipped;
  const Examples single = read(audioset, keys, skipped);  // records with one label
  EXPECT_EQ(single.subjects.ids.size(), 306u);
  EXPECT_EQ(skipped.size(), 990u);
  EXPECT_EQ(counts_of(skipped), (std::map<std::string, int>{{"several labels", static_cast<int>(skipped.size())}}));
  EXPECT_EQ(single.table.values.cols(), 128u);
  keys.one_class = "Music";
  skipped.clear();
  const Examples against = read(audioset, keys, skipped);
  EXPECT_TRUE(skipped.empty());
  EXPECT_THAT(against.labels, ElementsAre("Music", "not Music"));
  EXPECT_EQ(std::ranges::count(against.subjects.labels, 0), 356);
  keys.pool = RecordPool::none;  // 2 to 10 frames of 128 bytes: one length only
  const Examples frames = read(audioset, keys, skipped);
  EXPECT_EQ(frames.table.values.cols(), 1280u);
  EXPECT_EQ(frames.subjects.ids.size(), 1269u);
  EXPECT_EQ(counts_of(skipped), (std::map<std::string, int>{{"wrong size", 27}}));
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
