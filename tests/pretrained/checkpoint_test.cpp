// TensorFlow checkpoints: sorted tables, tensor bundles, and the Python package musicnn that contains two.
#include <gmock/gmock.h>

#include <cstdlib>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/inference/musicnn.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/pretrained/weights/formats.hpp"
#include "genrewise/pretrained/weights/sorted_table.hpp"
#include "genrewise/pretrained/weights/tensor_bundle.hpp"
#include "genrewise/storage/files.hpp"
#include "support/checkpoint_writer.hpp"
#include "support/neural_test_support.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using testing::bundle_entry;
using testing::bundle_header;
using testing::Checkpoint;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using testing::random_weights;
using testing::TableWriter;
using testing::TemporaryFolder;
using testing::write_checkpoint;
using testing::write_zip;

/// Forty tensors with names that share long beginnings: several blocks and restart points.
TensorArchive small_tensors() {
  TensorArchive archive;
  for (int i = 0; i < 40; ++i) {
    const auto values = testing::random_floats(static_cast<std::size_t>(6 + i % 3 * 2), static_cast<std::uint64_t>(i));
    archive.put("layer_" + std::to_string(i) + "/kernel", std::span<const float>(values), {2, values.size() / 2});
  }
  return archive;
}

std::string refusal(const Checkpoint& checkpoint) {
  return error_message([&] { parse_tensor_bundle(checkpoint.index, checkpoint.data, "checkpoint"); });
}

Checkpoint with_entry(const std::string& entry, const std::string& data) {
  TableWriter table;
  table.add("", bundle_header());
  table.add("w", entry);
  return {table.finish(), data};
}

std::vector<std::string> keys_of(const std::string& table) {
  std::vector<std::string> keys;
  read_sorted_table(table, "table", [&](std::string_view key, std::string_view) { keys.emplace_back(key); });
  return keys;
}

TEST(SortedTable, ReturnsKeysAndValuesOverBlocksAndRestartPoints) {
  TableWriter writer(64);
  std::vector<std::string> keys;
  for (int i = 100; i < 160; ++i) keys.push_back("key/" + std::to_string(i));
  for (const std::string& key : keys) writer.add(key, key + "!");
  std::vector<std::string> found;
  read_sorted_table(writer.finish(), "table", [&](std::string_view key, std::string_view value) {
    found.emplace_back(key);
    EXPECT_EQ(value, found.back() + "!");
  });
  EXPECT_EQ(found, keys);
  EXPECT_THAT(keys_of(TableWriter().finish()), ElementsAre());
}

TEST(SortedTable, WithUnsortedKeysIsRefused) {
  TableWriter writer;
  writer.add("b", "1");
  writer.add("a", "2");
  const std::string bytes = writer.finish();
  EXPECT_THAT(error_message([&] { keys_of(bytes); }), HasSubstr("not sorted"));
}

TEST(SortedTable, WithAKeyOfOverFourKibibytesIsRefused) {
  TableWriter writer;
  writer.add(std::string(4097, 'k'), "1");
  const std::string bytes = writer.finish();
  EXPECT_THAT(error_message([&] { keys_of(bytes); }), HasSubstr("invalid length"));
}

TEST(TensorBundle, ReturnsEveryFloatTensorWithItsShapeAndValues) {
  const TensorArchive tensors = small_tensors();
  for (const std::size_t block_bytes : {64, 1024, 1 << 20}) {
    const Checkpoint checkpoint = write_checkpoint(tensors, block_bytes);
    const TensorArchive read = parse_tensor_bundle(checkpoint.index, checkpoint.data, "checkpoint");
    ASSERT_EQ(read.tensors().size(), tensors.tensors().size());
    for (const auto& [name, tensor] : tensors.tensors()) {
      EXPECT_EQ(read.tensor(name).shape, tensor.shape);
      EXPECT_EQ(read.tensor(name).bytes, tensor.bytes);
    }
  }
}

TEST(TensorBundle, DropsTensorsOfOtherTypesAndScalars) {
  TableWriter table;
  const std::string data(8, '\1');
  table.add("", bundle_header());
  table.add("scalar", bundle_entry({}, 0, data.substr(0, 4)));
  table.add("steps", bundle_entry({1}, 0, data, 9));
  table.add("w", bundle_entry({1}, 4, data.substr(4)));
  const TensorArchive read = parse_tensor_bundle(table.finish(), data, "checkpoint");
  EXPECT_EQ(read.tensors().size(), 1u);
  EXPECT_TRUE(read.contains("w"));
}

// Each region of the index and the data is covered: blocks, restart points, trailers, metaindex, index, footer.
TEST(TensorBundle, WithAnyByteChangedIsRefused) {
  const Checkpoint whole = write_checkpoint(small_tensors(), 300);
  for (const unsigned char mask : {0xff, 0x01, 0x80}) {
    for (std::size_t at = 0; at < whole.index.size(); ++at) {
      Checkpoint changed = whole;
      changed.index[at] = static_cast<char>(changed.index[at] ^ mask);
      EXPECT_NE(refusal(changed), "no error") << "index byte " << at;
    }
    for (std::size_t at = 0; at < whole.data.size(); ++at) {
      Checkpoint changed = whole;
      changed.data[at] = static_cast<char>(changed.data[at] ^ mask);
      EXPECT_THAT(refusal(changed), HasSubstr("wrong checksum")) << "data byte " << at;
    }
  }
}

TEST(TensorBundle, TruncatedAnywhereIsRefused) {
  const Checkpoint whole = write_checkpoint(small_tensors(), 300);
  for (std::size_t size = 0; size < whole.index.size(); ++size)
    EXPECT_NE(refusal({whole.index.substr(0, size), whole.data}), "no error") << size;
  for (std::size_t size = 0; size < whole.data.size(); ++size)
    EXPECT_THAT(refusal({whole.index, whole.data.substr(0, size)}), HasSubstr("truncated")) << size;
}

/// Recomputes the checksums of the only data block, so that a change inside it reaches the parser.
Checkpoint with_valid_block_checksum(Checkpoint checkpoint, std::size_t block_bytes) {
  const std::uint32_t sum = testing::masked_sum(std::string_view(checkpoint.index).substr(0, block_bytes + 1));
  std::memcpy(checkpoint.index.data() + block_bytes + 1, &sum, sizeof sum);
  return checkpoint;
}

TEST(TensorBundle, WithAnyByteOfABlockChangedUnderAValidChecksumNeverCrashes) {
  const Checkpoint whole = write_checkpoint(small_tensors(), 1 << 20);
  // Behind the data block: the metaindex block (8 + 5 bytes), the index block (one entry) and the footer.
  const std::size_t block_bytes = whole.index.find(std::string("\0\0\0\0\1\0\0\0", 8), 40 * 20) - 5;
  ASSERT_EQ(refusal(with_valid_block_checksum(whole, block_bytes)), "no error");
  std::size_t refused = 0;
  for (const unsigned char mask : {0xff, 0x01, 0x10, 0x80}) {
    for (std::size_t at = 0; at <= block_bytes; ++at) {
      Checkpoint changed = whole;
      changed.index[at] = static_cast<char>(changed.index[at] ^ mask);
      refused += refusal(with_valid_block_checksum(std::move(changed), block_bytes)) != "no error";
    }
  }
  EXPECT_GT(refused, block_bytes);  // changed names and unused fields are read as they are
}

TEST(TensorBundle, WithInvalidDescriptionsIsRefused) {
  const std::string data(16, '\2');
  EXPECT_EQ(refusal(with_entry(bundle_entry({2, 2}, 0, data), data)), "no error");
  EXPECT_THAT(refusal(with_entry(bundle_entry({2, 3}, 0, data), data)), HasSubstr("another size than its shape"));
  EXPECT_THAT(refusal(with_entry(bundle_entry({std::size_t{1} << 62, 4}, 0, data), data)), HasSubstr("too large"));
  EXPECT_THAT(refusal(with_entry(bundle_entry({2, 2}, 1, data), data)), HasSubstr("truncated"));
  EXPECT_THAT(refusal(with_entry(bundle_entry({2, 2}, ~std::uint64_t{0} - 3, data), data)), HasSubstr("truncated"));
  EXPECT_THAT(refusal(with_entry(bundle_entry(std::vector<std::size_t>(9, 1), 0, data.substr(4)), data)),
              HasSubstr("too many dimensions"));
  std::string sliced = bundle_entry({2, 2}, 0, data), shard = sliced;
  wire::put_bytes(sliced, 7, "");
  EXPECT_THAT(refusal(with_entry(sliced, data)), HasSubstr("slices"));
  wire::put_uint(shard, 3, 1);
  EXPECT_THAT(refusal(with_entry(shard, data)), HasSubstr("does not exist"));
}

TEST(TensorBundle, OfSeveralPartsOrWithoutAHeaderIsRefused) {
  TableWriter parts;
  parts.add("", bundle_header(2));
  EXPECT_THAT(refusal({parts.finish(), ""}), HasSubstr("2 parts"));
  TableWriter headless;
  headless.add("w", bundle_entry({1}, 0, "abcd"));
  EXPECT_THAT(refusal({headless.finish(), "abcd"}), HasSubstr("no header"));
}

TEST(TensorBundle, WhoseTensorsTogetherExceedTheDataIsRefused) {
  TableWriter table;
  const std::string data(4000, '\2');
  table.add("", bundle_header());
  for (char name = 'a'; name <= 'c'; ++name) table.add(std::string(1, name), bundle_entry({1000}, 0, data));
  EXPECT_THAT(refusal({table.finish(), data}), HasSubstr("overlap"));
}

/// The names of musicnn's variables in its TensorFlow checkpoint.
std::string tensorflow_name(std::string name) {
  const std::pair<const char*, const char*> layers[] = {{"bn_midend_conv1.", "batch_normalization_6/"},
                                                        {"bn_midend_conv2.", "batch_normalization_7/"},
                                                        {"bn_midend_conv3.", "batch_normalization_8/"},
                                                        {"bn_flatpool.", "batch_normalization_9/"},
                                                        {"bn_dense.", "batch_normalization_10/"},
                                                        {"midend_conv1.", "conv2d_5/"},
                                                        {"midend_conv2.", "conv2d_6/"},
                                                        {"midend_conv3.", "conv2d_7/"}};
  for (const auto& [keras, tensorflow] : layers)
    if (name.starts_with(keras)) return tensorflow + name.substr(std::strlen(keras));
  if (name.ends_with("_1")) name.resize(name.size() - 2);
  name[name.find('.')] = '/';
  return name;
}

Checkpoint musicnn_checkpoint(const TensorArchive& weights) {
  TensorArchive named;
  for (const auto& [name, tensor] : weights.tensors()) named.put(tensorflow_name(name), tensor);
  return write_checkpoint(named);
}

std::string musicnn_wheel(const Checkpoint& msd) {
  return write_zip({{"musicnn/MSD_musicnn/.index", msd.index},
                    {"musicnn/MSD_musicnn/.data-00000-of-00001", msd.data},
                    {"musicnn/__init__.py", "\n"}});
}

TEST(MusicnnWheel, GivesTheCheckpointsTensorsTheNamesOfTheNetwork) {
  const TemporaryFolder folder;
  const TensorArchive weights = random_weights("musicnn_msd", 1);
  write_file(folder / "musicnn-0.1.0-py3-none-any.whl", musicnn_wheel(musicnn_checkpoint(weights)));
  write_file(folder / "weights.safetensors", weights.serialise());
  EXPECT_EQ(find_weights("musicnn_msd", folder.path()).metadata.at("values_sha256"),
            find_weights("musicnn_msd", folder / "weights.safetensors").metadata.at("values_sha256"));
}

TEST(MusicnnWheel, WithoutTheModelOrWithADamagedOneIsRefused) {
  const TemporaryFolder folder;
  const auto refused = [&](const char* network, const std::string& wheel) {
    write_file(folder / "w.whl", wheel);
    return error_message([&] { find_weights(network, folder / "w.whl"); });
  };
  const Checkpoint checkpoint = musicnn_checkpoint(random_weights("musicnn_msd", 1));
  const std::string wheel = musicnn_wheel(checkpoint);
  EXPECT_THAT(refused("musicnn_mtt", wheel), HasSubstr("MTT_musicnn/.index"));
  EXPECT_THAT(refused("efficientat", wheel), HasSubstr("not of efficientat"));
  EXPECT_THAT(refused("musicnn_msd", wheel.substr(0, wheel.size() / 2)), HasSubstr("truncated"));
  std::string changed = wheel;
  changed[wheel.size() / 2] = static_cast<char>(~changed[wheel.size() / 2]);
  EXPECT_THAT(refused("musicnn_msd", changed), HasSubstr("checksum of its member"));
  TensorArchive incomplete = random_weights("musicnn_msd", 1);
  incomplete.put("bn_dense.beta", std::vector<float>(3));
  EXPECT_THAT(refused("musicnn_msd", musicnn_wheel(musicnn_checkpoint(incomplete))), HasSubstr("bn_dense.beta"));
}

/// The weights that test.sh has fetched from the package index.
class FetchedMusicnn : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("GENREWISE_FETCHED_WEIGHTS");
    if (!folder) GTEST_SKIP() << "needs GENREWISE_FETCHED_WEIGHTS, a folder with `genrewise fetch weights musicnn`";
    folder_ = folder;
  }
  std::filesystem::path folder_;
};

TEST_F(FetchedMusicnn, HasTheValuesOfTheReference) {
  // Of the same networks as Keras files (musicnn_keras' MSD_musicnn.h5 and MTT_musicnn.h5).
  constexpr char kMsdValues[] = "9e64ad064921f0d9e211d895140ac64472401a9cbcb0b0dadff27f3b5fdf7846";
  constexpr char kMttValues[] = "bcf177d7d78e2573e469047ed420c1680c570873bde8ea7fdee436d2ba017f01";
  EXPECT_EQ(find_weights("musicnn_msd", folder_).metadata.at("values_sha256"), kMsdValues);
  EXPECT_EQ(find_weights("musicnn_mtt", folder_).metadata.at("values_sha256"), kMttValues);
}

TEST_F(FetchedMusicnn, GivesTheReferencesOutputs) {
  const testing::NetworkGolden golden;
  auto patch = testing::wave_like(Musicnn::kFrames * Musicnn::kBands);
  for (float& value : patch) value += 1;
  for (const std::string set : {"msd", "mtt"}) {
    std::vector<float> most(Musicnn::kChannels), mean(most), penultimate(Musicnn::kPenultimate), tags(Musicnn::kTags);
    Musicnn::Scratch scratch;
    Musicnn(find_weights("musicnn_" + set, folder_)).run(patch, {most, mean, penultimate, tags}, scratch);
    constexpr float kGoldenTolerance = 1e-4f;  // as in golden_test.cpp
    EXPECT_LT(golden.difference(most, "published_" + set, "max_pool"), kGoldenTolerance);
    EXPECT_LT(golden.difference(mean, "published_" + set, "mean_pool"), kGoldenTolerance);
    EXPECT_LT(golden.difference(penultimate, "published_" + set, "penultimate"), kGoldenTolerance);
    EXPECT_LT(golden.difference(tags, "published_" + set, "tags"), kGoldenTolerance);
  }
}

TEST(ZipFile, ReadsDeflatedMembersAndRefusesDamagedOnes) {
  std::string numbers;
  for (int i = 0; i < 500; ++i) numbers += std::to_string(i) + "\n";
  const std::string bytes = write_zip({{"a/empty", ""}, {"a/numbers.txt", numbers}}, true), name = "deflated.zip";
  const ZipFile whole(bytes, name);
  EXPECT_EQ(whole.read("a/numbers.txt", 10'000), numbers);
  EXPECT_EQ(whole.read("a/empty", 0), "");
  EXPECT_THAT(error_message([&] { whole.read("a/numbers.txt", 100); }), AllOf(HasSubstr("1890"), HasSubstr("100")));
  EXPECT_THAT(error_message([&] { whole.read("a/other", 100); }), HasSubstr("holds no a/other"));
  EXPECT_THAT(error_message([&] { whole.stored("a/numbers.txt"); }), HasSubstr("compressed"));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(~changed[at]);
    try {
      const ZipFile zip(changed, name);
      if (zip.contains("a/numbers.txt")) {
        EXPECT_EQ(zip.read("a/numbers.txt", 10'000), numbers) << at;
      }
    } catch (const Error&) {  // expected where the byte matters
    }
    EXPECT_NE(error_message([&] { ZipFile(std::string_view(bytes).substr(0, at), name); }), "no error") << at;
  }
}

}  // namespace
}  // namespace genrewise
