// Weights of pretrained networks: file formats, search order, and errors for unsuitable files.
#include "genrewise/pretrained/weights.hpp"

#include <gmock/gmock.h>

#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/weights/formats.hpp"
#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"
#include "support/neural_test_support.hpp"
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

TensorArchive torch_golden(const std::string& name) {
  return parse_torch_file(read_file(golden_path("neural/" + name)), name);
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
    EXPECT_THROW(parse_torch_file(std::string_view(bytes).substr(0, size), "cut"), Error) << size;
}

TEST(TorchFile, WithAnyByteChangedIsReadOrRefusedButNeverCrashes) {
  const std::string bytes = read_file(golden_path("neural/state.pt"));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0xff);
    try {
      parse_torch_file(changed, "changed");
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

}  // namespace
}  // namespace genrewise
