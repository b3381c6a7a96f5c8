// Weights of pretrained networks: file formats, search order, and errors for unsuitable files.
#include "genrewise/pretrained/weights.hpp"

#include <gmock/gmock.h>

#include <cctype>
#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/weights/formats.hpp"
#include "genrewise/pretrained/weights/keras_layers.hpp"
#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"
#include "support/neural_test_support.hpp"
#include "support/ordinary_user.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Environment;
using testing::error_message;
using ::testing::Ge;
using testing::golden_path;
using ::testing::HasSubstr;
using testing::random_weights;
using ::testing::SizeIs;
using testing::TemporaryFolder;

TensorArchive read_torch(std::string_view bytes) {
  return parse_torch_file(read_archive(bytes, "made.pt"), "made.pt");
}

TensorArchive torch_golden(const std::string& name) {
  return read_torch(read_file(golden_path("neural/" + name)));
}

TEST(TorchFile, ReturnsEveryFloatTensorWithItsShape) {
  const TensorArchive archive = torch_golden("state.pt");
  EXPECT_EQ(archive.tensor("0.weight").shape, (std::vector<std::size_t>{2, 1, 3, 3}));
  EXPECT_THAT(archive.floats("1.running_var", 2), ElementsAre(13, 13.125f));
  EXPECT_EQ(archive.floats("0.weight", 18)[17], 8 + 17 / 8.0f);
}

TEST(TorchFile, FollowsStridesOffsetsAndSharedStorage) {
  const TensorArchive archive = torch_golden("state.pt");
  EXPECT_EQ(archive.tensor("transposed").shape, (std::vector<std::size_t>{5, 2}));
  EXPECT_THAT(archive.floats("transposed", 10), ElementsAre(1, 13, 2, 14, 3, 15, 4, 16, 5, 17));
  EXPECT_THAT(archive.floats("shared", 3), ElementsAre(5, 6, 7));
}

TEST(TorchFile, ReadsNestedDictionariesAndParametersAndDropsIntegers) {
  const TensorArchive archive = torch_golden("state.pt");
  EXPECT_THAT(archive.floats("inner.parameter", 2), ElementsAre(0, 1));
  EXPECT_FALSE(archive.contains("1.num_batches_tracked"));
}

TEST(TorchFile, WithAFunctionCallIsRefusedNamingTheFunction) {
  EXPECT_THAT(error_message([] { torch_golden("caller.pt"); }), AllOf(HasSubstr("os.getenv"), HasSubstr("not called")));
}

TEST(TorchFile, WithoutADictionaryIsRefused) {
  EXPECT_THAT(error_message([] { torch_golden("list.pt"); }), HasSubstr("no dictionary of tensors"));
}

TEST(TorchFile, TruncatedAnywhereIsAnErrorWithoutACrash) {
  const std::string bytes = read_file(golden_path("neural/state.pt"));
  for (std::size_t size = 0; size < bytes.size(); size += 37)
    EXPECT_THROW(read_torch(std::string_view(bytes).substr(0, size)), Error) << size;
}

TEST(TorchFile, WithAnyByteChangedIsReadOrRefusedButNeverCrashes) {
  const std::string bytes = read_file(golden_path("neural/state.pt"));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0xff);
    try {
      read_torch(changed);
    } catch (const Error&) {  // expected where the byte matters
    }
  }
}

TEST(Weights, NamesOfNetworksAreListedWhenOneIsUnknown) {
  EXPECT_THAT(error_message([] { find_weights("resnet"); }),
              AllOf(HasSubstr("resnet"), HasSubstr("efficientat, musicnn_msd")));
}

TEST(Weights, EveryNetworkHasAUrlAndTensors) {
  for (const PretrainedNetwork& network : pretrained_networks()) {
    EXPECT_THAT(network.url, HasSubstr("https://"));
    EXPECT_THAT(expected_tensors(network.name), SizeIs(Ge(50u))) << network.name;
  }
  std::size_t values = 0;
  for (const TensorShape& tensor : expected_tensors("mobilenetv2"))
    values += std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::size_t{1}, std::multiplies<>());
  EXPECT_EQ(values, 2'206'816u);  // 3,504,872 of the whole network, less the classifier, batch norm folded
}

TEST(Weights, AreFoundInAFolderByTheirFileNameAndInTheEnvironment) {
  const TemporaryFolder folder;
  write_file(folder / "musicnn_msd.safetensors", random_weights("musicnn_msd", 1).serialise());
  const TensorArchive given = find_weights("musicnn_msd", folder.path());
  EXPECT_TRUE(given.contains("midend_conv1.kernel"));
  const Environment here("GENREWISE_WEIGHTS", folder.path().string());
  EXPECT_EQ(find_weights("musicnn_msd").metadata, given.metadata);
}

TEST(Weights, ChecksumDependsOnTheValuesAndNotOnTheFileFormat) {
  const TemporaryFolder folder;
  TensorArchive weights = random_weights("efficientat", 1);
  write_file(folder / "plain.safetensors", weights.serialise());
  weights.metadata["remark"] = "the same";
  weights.put("more", std::vector<float>{1});
  write_file(folder / "remark.safetensors", weights.serialise());
  write_file(folder / "other.safetensors", random_weights("efficientat", 2).serialise());
  const auto sum = [&](const char* name) {
    return find_weights("efficientat", folder / name).metadata.at("values_sha256");
  };
  EXPECT_EQ(sum("plain.safetensors"), sum("remark.safetensors"));
  EXPECT_NE(sum("plain.safetensors"), sum("other.safetensors"));
}

TEST(Weights, MissingOnesAreAnErrorThatStatesWhatToPutWhere) {
  const TemporaryFolder folder;
  const Environment home("XDG_DATA_HOME", folder.path().string());
  const Environment nowhere("GENREWISE_WEIGHTS", (folder / "nowhere").string());
  EXPECT_THAT(error_message([] { find_weights("efficientat"); }),
              AllOf(HasSubstr("mn04_as_mAP_432.pt"), HasSubstr("genrewise fetch weights efficientat"),
                    HasSubstr((folder / "genrewise" / "weights").string()), HasSubstr("https://github.com/")));
}

TEST(Weights, AreMissingWhereTheirFolderMayNotBeRead) {
  const TemporaryFolder folder;
  make_folders(folder / "private");
  const Environment home("XDG_DATA_HOME", (folder / "private").string());
  const Environment nowhere("GENREWISE_WEIGHTS", (folder / "nowhere").string());
  AS_ORDINARY_USER(folder.path());
  std::filesystem::permissions(folder / "private", std::filesystem::perms::none);
  EXPECT_FALSE(has_weights("efficientat"));
  EXPECT_THAT(error_message([] { find_weights("efficientat"); }), HasSubstr("were not found"));
  EXPECT_THAT(error_message([&] { find_weights("efficientat", folder / "private" / "w.pt"); }),
              HasSubstr("cannot be accessed"));
  std::filesystem::permissions(folder / "private", std::filesystem::perms::owner_all);
}

TEST(Weights, OfAnotherNetworkAreRefusedByName) {
  const TemporaryFolder folder;
  write_file(folder / "w.safetensors", random_weights("musicnn_mtt", 1).serialise());
  EXPECT_THAT(error_message([&] { find_weights("mobilenetv2", folder / "w.safetensors"); }),
              AllOf(HasSubstr("another network"), HasSubstr("0 of the 104 tensors"), HasSubstr("stem.weight")));
  EXPECT_THAT(error_message([&] { find_weights("efficientat", golden_path("neural/state.pt")); }),
              AllOf(HasSubstr("another network"), HasSubstr("features.0.0.weight")));
}

TEST(Weights, OfKerasReportAMissingOrCrashedConverter) {
  const TemporaryFolder folder;
  write_file(folder / "model.h5", read_file(golden_path("neural/model.h5")));
  const Environment missing("GENREWISE_NEURAL_PROGRAM", (folder / "nothing").string());
  EXPECT_THAT(error_message([&] { find_weights("mobilenetv2", folder / "model.h5"); }),
              AllOf(HasSubstr("GENREWISE_NEURAL_PROGRAM"), HasSubstr("genrewise-neural")));
  const Environment failing("GENREWISE_NEURAL_PROGRAM", "/bin/false");
  EXPECT_THAT(error_message([&] { find_weights("mobilenetv2", folder / "model.h5"); }),
              AllOf(HasSubstr("model.h5"), HasSubstr("exit code 1")));
}

TEST(Weights, ThatLackATensorOrHaveOneOfAnotherShapeAreRefusedByItsName) {
  const TemporaryFolder folder;
  TensorArchive weights = random_weights("mobilenetv2", 1);
  weights.put("head.bias", std::vector<float>(12));
  write_file(folder / "w.safetensors", weights.serialise());
  EXPECT_THAT(error_message([&] { find_weights("mobilenetv2", folder / "w.safetensors"); }),
              AllOf(HasSubstr("head.bias is F32 [12]"), HasSubstr("F32 [1280]")));
}

TEST(Weights, ThatAreNotFiniteAreRefused) {
  const TemporaryFolder folder;
  TensorArchive weights = random_weights("mobilenetv2", 1);
  std::vector<float> bias(1280);
  bias[7] = std::numeric_limits<float>::quiet_NaN();
  weights.put("head.bias", std::span<const float>(bias));
  write_file(folder / "w.safetensors", weights.serialise());
  EXPECT_THAT(error_message([&] { find_weights("mobilenetv2", folder / "w.safetensors"); }),
              AllOf(HasSubstr("head.bias"), HasSubstr("not finite")));
}

TEST(Weights, TruncatedEmptyAndForeignFilesAreErrors) {
  const TemporaryFolder folder;
  const std::string bytes = random_weights("efficientat", 1).serialise();
  for (const auto& content : {std::string(), std::string("hello"), bytes.substr(0, bytes.size() / 2)}) {
    write_file(folder / "w.safetensors", content);
    EXPECT_NE(error_message([&] { find_weights("efficientat", folder / "w.safetensors"); }), "no error")
        << content.size();
  }
}

/// A value that identifies the place of a weight: output, input, row and column of its filter.
float value_at(std::size_t o, std::size_t i, std::size_t y, std::size_t x) {
  return static_cast<float>((o * 31 + i * 7 + y * 3 + x) % 251) / 256;
}

/// Keras' layers of a MobileNetV2: kernels in TensorFlow's order of axes, and statistics of channel o whose scale is
/// (1 + o % 3) / 2 and whose bias is 1 - scale / 4.
std::vector<KerasLayer> keras_mobilenet() {
  std::vector<KerasLayer> layers;
  const auto expected = expected_tensors("mobilenetv2");
  for (std::size_t n = 0; n < expected.size(); n += 2) {
    const auto& shape = expected[n].shape;
    const std::size_t out = shape[0], in = shape[1], height = shape[2], width = shape[3];
    const bool depthwise = in == 1;
    KerasVariable kernel{depthwise ? "depthwise_kernel" : "kernel",
                         depthwise ? std::vector{height, width, out, in} : std::vector{height, width, in, out},
                         {}};
    for (std::size_t y = 0; y < height; ++y)
      for (std::size_t x = 0; x < width; ++x)
        for (std::size_t a = 0; a < kernel.shape[2]; ++a)
          for (std::size_t b = 0; b < kernel.shape[3]; ++b)
            kernel.values.push_back(depthwise ? value_at(a, b, y, x) : value_at(b, a, y, x));
    std::vector<KerasVariable> statistics;
    for (const char* name : {"gamma", "beta", "moving_mean", "moving_variance"})
      statistics.push_back({name, {out}, {}});
    for (std::size_t o = 0; o < out; ++o) {
      statistics[0].values.push_back(static_cast<float>(1 + o % 3));
      statistics[1].values.push_back(1);
      statistics[2].values.push_back(0.25F);
      statistics[3].values.push_back(4 - 1e-3F);
    }
    layers.push_back({"convolution " + std::to_string(n), {kernel}});
    layers.push_back({"normalisation " + std::to_string(n), statistics});
  }
  return layers;
}

std::string refusal_of(const std::vector<KerasLayer>& layers) {
  const TemporaryFolder folder;
  write_file(folder / "w.safetensors", pack_keras_layers(layers, "sum").serialise());
  return error_message([&] { find_weights("mobilenetv2", folder / "w.safetensors"); });
}

TEST(KerasWeights, OfMobileNetAreReorderedAndTheirNormalisationIsFolded) {
  const TemporaryFolder folder;
  write_file(folder / "w.safetensors", pack_keras_layers(keras_mobilenet(), "sum").serialise());
  const TensorArchive read = find_weights("mobilenetv2", folder / "w.safetensors");
  const auto expected = expected_tensors("mobilenetv2");
  for (std::size_t n = 0; n < expected.size(); n += 2) {
    const auto& shape = expected[n].shape;
    const std::vector<float> weight = read.floats(expected[n].name), bias = read.floats(expected[n + 1].name);
    for (std::size_t o = 0, at = 0; o < shape[0]; ++o) {
      const float scale = static_cast<float>(1 + o % 3) / 2;
      ASSERT_NEAR(bias[o], 1 - scale / 4, 1e-6) << expected[n].name;
      for (std::size_t i = 0; i < shape[1]; ++i)
        for (std::size_t y = 0; y < shape[2]; ++y)
          for (std::size_t x = 0; x < shape[3]; ++x, ++at)
            ASSERT_NEAR(weight[at], scale * value_at(o, i, y, x), 1e-6) << expected[n].name;
    }
  }
}

TEST(KerasWeights, OfAnotherNetworkAreRefusedAtTheFirstLayerThatDiffers) {
  const auto whole = keras_mobilenet();
  EXPECT_EQ(refusal_of(whole), "no error");
  auto shorter = whole;
  shorter.pop_back();
  EXPECT_THAT(refusal_of(shorter), HasSubstr("its layer after the last is at a position"));
  auto swapped = whole;
  std::swap(swapped[4], swapped[5]);
  EXPECT_THAT(refusal_of(swapped), HasSubstr("its layer normalisation 4 is"));
  auto fewer = whole;
  fewer[3].variables.pop_back();
  EXPECT_THAT(refusal_of(fewer), HasSubstr("its layer normalisation 2 is"));
  auto narrower = whole;
  narrower[1].variables[3].values.pop_back(), --narrower[1].variables[3].shape[0];
  EXPECT_THAT(refusal_of(narrower), HasSubstr("its layer normalisation 0 is"));
  auto wider = whole;
  wider[2] = whole[6];
  EXPECT_THAT(refusal_of(wider), HasSubstr("is at a position"));
  auto endless = whole;
  endless[0].variables[0].shape = {std::size_t{1} << 62, 0, 1, 1};
  endless[0].variables[0].values.clear();
  EXPECT_THAT(refusal_of(endless), HasSubstr("its layer convolution 0 is"));
}

TEST(KerasWeights, AreFoundByTheirNamesWhateverNumberKerasAdds) {
  const TensorArchive weights = random_weights("musicnn_msd", 1);
  std::vector<KerasLayer> layers;
  for (const TensorShape& tensor : expected_tensors("musicnn_msd")) {
    const std::size_t point = tensor.name.rfind('.');
    std::string variable = tensor.name.substr(point + 1);
    if (std::isdigit(static_cast<unsigned char>(variable.back()))) variable.resize(variable.rfind('_'));
    layers.push_back({tensor.name.substr(0, point), {{variable + "_12", tensor.shape, weights.floats(tensor.name)}}});
  }
  const TemporaryFolder folder;
  write_file(folder / "w.safetensors", pack_keras_layers(layers, "sum").serialise());
  const TensorArchive read = find_weights("musicnn_msd", folder / "w.safetensors");
  for (const TensorShape& tensor : expected_tensors("musicnn_msd"))
    EXPECT_EQ(read.floats(tensor.name), weights.floats(tensor.name)) << tensor.name;
}

TEST(KerasWeights, AreUnpackedAsTheyWerePackedAndOtherArchivesAreRefused) {
  const std::vector<KerasLayer> layers = {{"a", {{"kernel", {2, 1}, {1, 2}}, {"bias", {1}, {3}}}}, {"b", {}}};
  TensorArchive packed = pack_keras_layers(layers, "sum");
  EXPECT_EQ(packed.metadata.at(kSourceSha256), "sum");
  const auto unpacked = unpack_keras_layers(packed);
  ASSERT_EQ(unpacked.size(), 2u);
  EXPECT_EQ(unpacked[0].name, "a");
  ASSERT_EQ(unpacked[0].variables.size(), 2u);
  EXPECT_EQ(unpacked[0].variables[0].name, "kernel");
  EXPECT_EQ(unpacked[0].variables[0].shape, (std::vector<std::size_t>{2, 1}));
  EXPECT_THAT(unpacked[0].variables[1].values, ElementsAre(3));
  EXPECT_TRUE(unpacked[1].variables.empty());
  packed.metadata["keras_layers"] = "[{}]";
  EXPECT_THAT(error_message([&] { unpack_keras_layers(packed); }), HasSubstr("list of Keras layers is damaged"));
  packed.metadata["keras_layers"] = "{}";
  EXPECT_THAT(error_message([&] { unpack_keras_layers(packed); }), HasSubstr("no converted Keras layers"));
  packed.metadata.erase("keras_layers");
  EXPECT_THAT(error_message([&] { unpack_keras_layers(packed); }), HasSubstr("no converted Keras layers"));
}

TEST(KerasWeights, BelongToTheFileThatTheyWereConvertedFrom) {
  const TemporaryFolder folder;
  const auto path = folder / "w.safetensors";
  EXPECT_FALSE(is_converted_from(path, "sum"));
  write_file(path, pack_keras_layers({{"a", {}}}, "sum").serialise_sealed());
  EXPECT_TRUE(is_converted_from(path, "sum"));
  EXPECT_FALSE(is_converted_from(path, "another"));
  write_file(path, TensorArchive().serialise_sealed());
  EXPECT_FALSE(is_converted_from(path, "sum"));
  write_file(path, "damaged");
  EXPECT_FALSE(is_converted_from(path, "sum"));
  EXPECT_TRUE(is_hdf5("\x89HDF\r\n\x1a\n and more"));
  EXPECT_FALSE(is_hdf5("\x89HDF\n"));
}

TEST(Weights, ArePresentIfAFolderHasAFileOfTheirNetworkOrTheLocationIsAFile) {
  const TemporaryFolder folder;
  const Environment home("XDG_DATA_HOME", folder.path().string());
  const Environment here("GENREWISE_WEIGHTS", (folder / "w").string());
  EXPECT_FALSE(has_weights("musicnn_msd"));
  make_folders(folder / "w");
  write_file(folder / "w" / "musicnn_mtt.safetensors", "x");
  EXPECT_FALSE(has_weights("musicnn_msd"));
  EXPECT_TRUE(has_weights("musicnn_mtt"));
  const Environment file("GENREWISE_WEIGHTS", (folder / "w" / "musicnn_mtt.safetensors").string());
  EXPECT_TRUE(has_weights("musicnn_mtt"));
  EXPECT_FALSE(has_weights("musicnn_msd"));  // the file has another network's name
  write_file(folder / "any.safetensors", "x");
  const Environment any("GENREWISE_WEIGHTS", (folder / "any.safetensors").string());
  EXPECT_TRUE(has_weights("musicnn_msd"));
}

}  // namespace
}  // namespace genrewise
