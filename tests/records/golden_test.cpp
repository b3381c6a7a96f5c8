// Record files written by TensorFlow (tests/golden/records/generate.py).
#include <gmock/gmock.h>

#include "genrewise/records/example.hpp"
#include "genrewise/records/record_reader.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;

TEST(RecordsOfTensorFlow, AreReadInEveryCompression) {
  for (const char* compression : {"none", "gzip", "zlib"}) {
    RecordReader reader(testing::golden_path(std::string("records/tensorflow_") + compression + ".tfrec").string());
    Record record;
    ExampleView example;
    for (std::int64_t i = 0; i < 3; ++i) {
      ASSERT_TRUE(reader.next(record).value()) << compression;
      ASSERT_TRUE(example.parse(record.payload));
      std::vector<float> song(5);
      std::int64_t label = -1;
      std::string_view id;
      ASSERT_EQ(example.find("song")->size(), 5u);
      example.find("song")->copy(std::span(song));
      example.find("class")->copy(std::span(&label, 1));
      example.find("track_id")->copy(std::span(&id, 1));
      const auto x = static_cast<float>(i);
      EXPECT_THAT(song, ElementsAre(x, x + 0.25F, x + 0.5F, x + 0.75F, x + 1));
      EXPECT_EQ(label, i);
      EXPECT_EQ(id, "track " + std::to_string(i));
      EXPECT_EQ(example.find("one_hot_class")->size(), 3u);
      EXPECT_EQ(example.find("more") != nullptr, i == 0);
    }
    EXPECT_FALSE(reader.next(record).value()) << compression;
  }
}

}  // namespace
}  // namespace genrewise
