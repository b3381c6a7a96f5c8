#include "genrewise/records/example.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <limits>

#include "genrewise/base/random.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/records/protobuf_wire.hpp"
#ifdef GENREWISE_HAS_PROTOBUF
#include "example.pb.h"
#endif

namespace genrewise {
namespace {

using ::testing::ElementsAre;

template <class T>
std::vector<T> values(const FeatureView* feature) {
  if (feature == nullptr) return {};
  std::vector<T> all(feature->size());
  all.resize(feature->copy(std::span<T>(all)));
  return all;
}

std::string message(std::uint32_t number, std::string_view body) {
  std::string out;
  wire::put_bytes(out, number, body);
  return out;
}

std::string entry(std::string_view key, std::string_view feature) {
  return message(1, message(1, key) + message(2, feature));
}

std::string typical_example() {
  ExampleWriter writer;
  const std::vector<float> song = {1.5F, -2, 0, std::numeric_limits<float>::infinity()};
  const std::vector<std::int64_t> label = {3, -1, std::numeric_limits<std::int64_t>::max(), 0};
  writer.add("class", label);
  writer.add("song", song);
  writer.add("track_id", std::string_view("Ünï/1"));
  return std::string(writer.finish());
}

TEST(Example, ReadsBackWhatItWrote) {
  const auto payload = typical_example();
  ExampleView view;
  ASSERT_TRUE(view.parse(as_bytes(payload)));
  EXPECT_THAT(values<float>(view.find("song")), ElementsAre(1.5F, -2, 0, std::numeric_limits<float>::infinity()));
  EXPECT_THAT(values<std::int64_t>(view.find("class")),
              ElementsAre(3, -1, std::numeric_limits<std::int64_t>::max(), 0));
  EXPECT_THAT(values<std::string_view>(view.find("track_id")), ElementsAre("Ünï/1"));
  EXPECT_EQ(view.find("other"), nullptr);
  EXPECT_EQ(view.entries().size(), 3u);
}

TEST(Example, IsEmptyAfterClear) {
  ExampleWriter writer;
  writer.add("a", std::string_view("b"));
  writer.finish();
  writer.clear();
  EXPECT_EQ(as_bytes(writer.finish()).size(), 2u);  // an empty Features
  ExampleView view;
  EXPECT_TRUE(view.parse(as_bytes(writer.finish())));
  EXPECT_TRUE(view.entries().empty());
}

TEST(Example, ReadsUnpackedFloatsAndSplitLists) {
  std::string list;
  wire::put_float(list, 1, 1);
  const float packed[] = {2, 3};
  list += message(1, as_text(std::as_bytes(std::span(packed))));
  wire::put_uint(list, 9, 77);  // an unknown field
  wire::put_float(list, 1, 4);
  const auto payload = message(1, entry("song", message(2, list) + message(2, message(1, ""))));
  ExampleView view;
  ASSERT_TRUE(view.parse(as_bytes(payload)));
  EXPECT_THAT(values<float>(view.find("song")), ElementsAre(1, 2, 3, 4));
  std::vector<float> two(2);
  EXPECT_EQ(view.find("song")->copy(std::span(two)), 2u);
  EXPECT_THAT(two, ElementsAre(1, 2));
}

TEST(Example, GivesAViewOfFloatsOnlyIfTheyAreContiguous) {
  const auto payload = typical_example();
  ExampleView view;
  ASSERT_TRUE(view.parse(as_bytes(payload)));
  const auto floats = view.find("song")->floats_in_one_piece();
  ASSERT_EQ(floats.size(), 4 * sizeof(float));
  float second = 0;
  std::memcpy(&second, floats.data() + sizeof(float), sizeof second);
  EXPECT_EQ(second, -2);
  EXPECT_TRUE(view.find("class")->floats_in_one_piece().empty());
  EXPECT_TRUE(view.find("track_id")->floats_in_one_piece().empty());
  std::string loose;
  wire::put_float(loose, 1, 1);
  const std::string pieces[] = {loose, message(1, "abcd") + message(1, "efgh"), loose + message(1, "abcd"), ""};
  for (const auto& list : pieces) {
    const auto other = message(1, entry("song", message(2, list)));
    ASSERT_TRUE(view.parse(as_bytes(other)));
    EXPECT_TRUE(view.find("song")->floats_in_one_piece().empty());
  }
}

TEST(Example, ReadsUnpackedIntegers) {
  std::string list;
  wire::put_uint(list, 1, 5);
  wire::put_uint(list, 1, static_cast<std::uint64_t>(-7));
  const auto payload = message(1, entry("class", message(3, list)));
  ExampleView view;
  ASSERT_TRUE(view.parse(as_bytes(payload)));
  EXPECT_THAT(values<std::int64_t>(view.find("class")), ElementsAre(5, -7));
}

TEST(Example, UsesTheLastOfSeveralListsWithOneKey) {
  const auto one = message(1, message(1, "old")), two = message(1, message(1, "new"));
  const auto payload = message(1, entry("k", one)) + message(1, entry("k", two) + entry("j", one));
  ExampleView view;
  ASSERT_TRUE(view.parse(as_bytes(payload)));
  EXPECT_THAT(values<std::string_view>(view.find("k")), ElementsAre("new"));
  EXPECT_THAT(values<std::string_view>(view.find("j")), ElementsAre("old"));
}

TEST(Example, DropsAListWhenOneOfAnotherKindFollows) {
  std::string ints;
  wire::put_uint(ints, 1, 5);
  const auto payload = message(1, entry("k", message(1, message(1, "text")) + message(3, ints)));
  ExampleView view;
  ASSERT_TRUE(view.parse(as_bytes(payload)));
  EXPECT_EQ(view.find("k")->kind(), FeatureKind::ints);
  EXPECT_THAT(values<std::int64_t>(view.find("k")), ElementsAre(5));
}

TEST(Example, GivesNoValuesOfAnotherKind) {
  const auto payload = typical_example();
  ExampleView view;
  ASSERT_TRUE(view.parse(as_bytes(payload)));
  EXPECT_TRUE(values<float>(view.find("class")).empty());
  EXPECT_TRUE(values<std::int64_t>(view.find("song")).empty());
  EXPECT_TRUE(values<std::string_view>(view.find("song")).empty());
}

TEST(Example, RefusesTruncatedAndInvalidEncodings) {
  const auto payload = typical_example();
  ExampleView view;
  for (std::size_t size = 1; size < payload.size(); ++size) {
    EXPECT_FALSE(view.parse(as_bytes(payload).first(size))) << size;
  }
  EXPECT_TRUE(view.parse({}));
  EXPECT_TRUE(view.entries().empty());
  const auto odd_floats = message(1, entry("song", message(2, message(1, "abcde"))));
  const auto bad = view.parse(as_bytes(odd_floats));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().reason, "not an Example");
  EXPECT_FALSE(view.parse(as_bytes("\x0b")));       // a group
  EXPECT_FALSE(view.parse(as_bytes("\x02\x01x")));  // field number 0
  EXPECT_FALSE(view.parse(as_bytes(std::string(20, '\xff'))));
}

#ifdef GENREWISE_HAS_PROTOBUF
using Reference = genrewise_reference::Example;

// Compares our views with the result of the reference; false if they differ.
::testing::AssertionResult agrees(const ExampleView& view, const Reference& reference) {
  for (const auto& [key, feature] : reference.features().feature()) {
    const FeatureView* ours = view.find(key);
    if (ours == nullptr) return ::testing::AssertionFailure() << "no " << key;
    if (static_cast<int>(ours->kind()) != static_cast<int>(feature.kind_case())) {
      return ::testing::AssertionFailure() << "another kind of " << key;
    }
    bool same = true;
    if (feature.has_float_list()) {
      const auto read = values<float>(ours);
      const auto& expected = feature.float_list().value();
      same = read.size() == static_cast<std::size_t>(expected.size()) &&
             (read.empty() || std::memcmp(read.data(), expected.data(), 4 * read.size()) == 0);
    } else if (feature.has_int64_list()) {
      const auto read = values<std::int64_t>(ours);
      same = std::ranges::equal(read, feature.int64_list().value());
    } else if (feature.has_bytes_list()) {
      same = std::ranges::equal(values<std::string_view>(ours), feature.bytes_list().value());
    }
    if (!same) return ::testing::AssertionFailure() << "other values of " << key;
  }
  return ::testing::AssertionSuccess();
}

// Protobuf's maps have one more member under the thread sanitizer; the library, compiled without it, would corrupt
// them.
#ifdef __SANITIZE_THREAD__
#define SKIP_IF_PROTOBUF_IS_INCOMPATIBLE() GTEST_SKIP() << "libprotobuf is not built for the thread sanitizer"
#else
#define SKIP_IF_PROTOBUF_IS_INCOMPATIBLE() static_cast<void>(0)
#endif

TEST(ExampleAgainstProtobuf, IsReadByTheReference) {
  SKIP_IF_PROTOBUF_IS_INCOMPATIBLE();
  Reference reference;
  ASSERT_TRUE(reference.ParseFromString(typical_example()));
  const auto& features = reference.features().feature();
  EXPECT_EQ(features.at("song").float_list().value_size(), 4);
  EXPECT_EQ(features.at("class").int64_list().value(1), -1);
  EXPECT_EQ(features.at("track_id").bytes_list().value(0), "Ünï/1");
}

TEST(ExampleAgainstProtobuf, AgreesOnEverythingThatBothAccept) {
  SKIP_IF_PROTOBUF_IS_INCOMPATIBLE();
  google::protobuf::SetLogHandler(nullptr);
  Rng rng(4);
  std::string list;
  wire::put_float(list, 1, 1);
  list += message(1, "abcdefgh");
  const std::string seeds[] = {typical_example(), message(1, entry("song", message(2, list) + message(2, list))),
                               message(1, entry("k", message(1, message(1, "x") + message(1, "")))) +
                                   message(1, entry("k", message(3, "\x08\x05")))};
  int both = 0, only_reference = 0;
  for (int round = 0; round < 60'000; ++round) {
    std::string payload = seeds[rng.below(3)];
    for (auto changes = rng.below(3); changes > 0; --changes) {
      const auto at = rng.below(payload.size());
      switch (rng.below(3)) {
        case 0:
          payload[at] = static_cast<char>(rng.next());
          break;
        case 1:
          payload.erase(at, 1);
          break;
        default:
          payload.insert(at, 1, static_cast<char>(rng.below(32)));
      }
    }
    ExampleView view;
    Reference reference;
    const bool ours = view.parse(as_bytes(payload)).has_value();
    const bool theirs = reference.ParseFromString(payload);
    both += ours && theirs;
    only_reference += theirs && !ours;
    if (ours && theirs) {
      ASSERT_TRUE(agrees(view, reference)) << ::testing::PrintToString(payload);
    }
  }
  EXPECT_GT(both, 10'000);
  // Only groups, and entries with two values, which no encoder writes, are rejected by us but not by the reference.
  EXPECT_LT(only_reference, both / 50);
}
#endif

TEST(SequenceExample, GivesTheStepsOfItsListsAndTheFeaturesOfItsContext) {
  const auto floats = [](float value) {
    return message(2, message(1, std::string_view(reinterpret_cast<const char*>(&value), sizeof value)));
  };
  const std::string steps = message(1, floats(1)) + message(1, floats(2)) + message(7, "unknown");
  const std::string lists = entry("frames", steps) + entry("empty", "");
  const std::string payload =
      message(1, entry("id", message(1, message(1, "x")))) + message(2, lists) + message(3, "?");
  ExampleView view;
  ASSERT_TRUE(view.parse(as_bytes(payload)));
  EXPECT_THAT(values<std::string_view>(view.find("id")), ElementsAre("x"));
  EXPECT_EQ(view.sequences().size(), 2u);
  const auto frames = view.find_steps("frames");
  ASSERT_TRUE(frames.has_value());
  ASSERT_EQ(frames->size(), 2u);
  EXPECT_THAT(values<float>(&(*frames)[0]), ElementsAre(1));
  EXPECT_THAT(values<float>(&(*frames)[1]), ElementsAre(2));
  EXPECT_TRUE(view.find_steps("empty")->empty());
  EXPECT_EQ(view.find_steps("id")->size(), 1u);
  EXPECT_FALSE(view.find_steps("none").has_value());
  ASSERT_TRUE(view.parse({}));
  EXPECT_TRUE(view.sequences().empty() && view.entries().empty());
}

TEST(SequenceExample, WithAnInvalidStepIsRefusedAsAWhole) {
  ExampleView view;
  for (const std::string& step : {std::string("\x0a"), message(1, "\x0a"), message(1, message(2, message(1, "abc")))}) {
    const std::string payload =
        message(1, entry("id", message(1, message(1, "x")))) + message(2, entry("frames", step));
    const auto parsed = view.parse(as_bytes(payload));
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().reason, "not an Example");
    EXPECT_TRUE(view.entries().empty() && view.sequences().empty());
  }
}

TEST(Example, CopiesOnlyAsManyValuesAsThereIsSpaceFor) {
  const std::string payload = typical_example();
  ExampleView view;
  ASSERT_TRUE(view.parse(as_bytes(payload)));
  std::vector<float> floats(5, 9);
  EXPECT_EQ(view.find("song")->copy(std::span(floats).first(2)), 2u);
  EXPECT_THAT(floats, ElementsAre(1.5F, -2, 9, 9, 9));
  std::vector<std::int64_t> ints(5, 9);
  EXPECT_EQ(view.find("class")->copy(std::span(ints).first(3)), 3u);
  EXPECT_THAT(ints, ElementsAre(3, -1, std::numeric_limits<std::int64_t>::max(), 9, 9));
  EXPECT_EQ(view.find("class")->copy(ints), 4u);
  EXPECT_EQ(view.find("song")->copy(floats), 4u);
  EXPECT_EQ(view.find("track_id")->copy(std::span<std::string_view>()), 0u);
}

TEST(FeatureKinds, HaveNames) {
  EXPECT_EQ(to_string(FeatureKind::none), "nothing");
  EXPECT_EQ(to_string(FeatureKind::bytes), "bytes");
  EXPECT_EQ(to_string(FeatureKind::floats), "floats");
  EXPECT_EQ(to_string(FeatureKind::ints), "integers");
}

}  // namespace
}  // namespace genrewise
