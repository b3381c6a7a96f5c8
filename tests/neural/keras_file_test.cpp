// Keras weights in HDF5: read, converted once by genrewise-neural, and used by the plain libraries.
#include "genrewise/models/neural/weights/keras_file.hpp"

#include <gmock/gmock.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"
#include "support/test_support.hpp"
#include "trainer_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace testing;

TEST(KerasFile, ReturnsLayersAndVariablesInTheModelsOrder) {
  const auto layers = read_keras_file(golden_path("neural/model.h5"));
  ASSERT_THAT(layers, SizeIs(4));  // without the layer that has no variables
  EXPECT_EQ(layers[0].name, "first");
  EXPECT_EQ(layers[0].variables[0].name, "kernel");
  EXPECT_EQ(layers[0].variables[0].shape, (std::vector<std::size_t>{3, 3, 1, 2}));
  EXPECT_EQ(layers[0].variables[0].values[17], 17 / 4.0f);
  ASSERT_THAT(layers[1].variables, SizeIs(4));
  EXPECT_EQ(layers[1].variables[0].name, "gamma");
  EXPECT_EQ(layers[1].variables[3].name, "moving_variance");
  EXPECT_EQ(layers[3].variables[1].name, "bias");
}

TEST(KerasFile, CutOrForeignIsAnError) {
  const TemporaryFolder folder;
  const std::string bytes = read_file(golden_path("neural/model.h5"));
  for (const std::size_t size : {std::size_t{8}, std::size_t{100}, bytes.size() / 2, bytes.size() - 600}) {
    write_file(folder / "cut.h5", bytes.substr(0, size));
    EXPECT_THAT(error_message([&] { read_keras_file(folder / "cut.h5"); }), HasSubstr("Keras weights")) << size;
  }
}

/// The golden file in a writable folder.
class KerasConversion : public ::testing::Test {
 protected:
  KerasConversion() { write_file(h5_, read_file(golden_path("neural/model.h5"))); }
  TemporaryFolder folder_;
  std::filesystem::path h5_ = folder_ / "model.h5", converted_ = folder_ / "model.safetensors";
};

TEST_F(KerasConversion, ReturnsTheSameLayersInTheSameOrder) {
  const auto direct = read_keras_file(h5_), converted = keras_layers(h5_, read_file(h5_));
  ASSERT_EQ(converted.size(), direct.size());
  for (std::size_t i = 0; i < direct.size(); ++i) {
    EXPECT_EQ(converted[i].name, direct[i].name);
    ASSERT_EQ(converted[i].variables.size(), direct[i].variables.size());
    for (std::size_t j = 0; j < direct[i].variables.size(); ++j) {
      EXPECT_EQ(converted[i].variables[j].name, direct[i].variables[j].name);
      EXPECT_EQ(converted[i].variables[j].shape, direct[i].variables[j].shape);
      EXPECT_EQ(converted[i].variables[j].values, direct[i].variables[j].values);
    }
  }
}

TEST_F(KerasConversion, IsDoneOnceAndAgainWhenTheFileChanges) {
  keras_layers(h5_, read_file(h5_));
  ASSERT_TRUE(std::filesystem::exists(converted_));
  const Environment none("GENREWISE_NEURAL_PROGRAM", "/bin/false");
  EXPECT_THAT(keras_layers(h5_, read_file(h5_)), SizeIs(4));
  EXPECT_THAT(error_message([&] { keras_layers(h5_, read_file(h5_) + "more"); }), HasSubstr("the converter"));
}

TEST_F(KerasConversion, KeepsAnUnrelatedFileOfTheSameName) {
  write_file(converted_, "an unrelated file");
  EXPECT_THAT(keras_layers(h5_, read_file(h5_)), SizeIs(4));
  EXPECT_EQ(read_file(converted_), "an unrelated file");
}

TEST_F(KerasConversion, OfADamagedFileReportsTheConvertersError) {
  write_file(h5_, read_file(h5_).substr(0, 1000));
  EXPECT_THAT(error_message([&] { find_weights("mobilenetv2", h5_); }),
              AllOf(HasSubstr("model.h5"), HasSubstr("Keras weights")));
  EXPECT_FALSE(std::filesystem::exists(converted_));
}

TEST_F(KerasConversion, OfFilesWithFlippedBitsAndMissingEndsReturnsLayersOrAnError) {
  const std::string intact = read_file(h5_);
  Rng rng(5);
  for (int i = 0; i < 12; ++i) {
    std::string bytes = intact;
    for (int flip = 0; flip < 8; ++flip)
      bytes[rng.below(i % 2 ? bytes.size() : 2000)] ^= static_cast<char>(1 << rng.below(8));
    if (i % 3 == 0) bytes.resize(rng.below(bytes.size()));
    write_file(h5_, bytes);
    std::filesystem::remove(converted_);
    const std::string message = error_message([&] { keras_layers(h5_, bytes); });
    EXPECT_THAT(message, AnyOf("no error", HasSubstr("model.h5"))) << i;
  }
}

TEST_F(KerasConversion, OfAnotherNetworkIsRefusedByName) {
  EXPECT_THAT(error_message([&] { find_weights("mobilenetv2", h5_); }),
              AllOf(HasSubstr("another network"), HasSubstr("layer first")));
  EXPECT_THAT(error_message([&] { find_weights("musicnn_msd", h5_); }), HasSubstr("another network"));
}

}  // namespace
}  // namespace genrewise
