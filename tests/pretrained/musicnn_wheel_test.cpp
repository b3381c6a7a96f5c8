// The Python package musicnn, which contains two networks.
#include <gmock/gmock.h>

#include <cstdlib>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/inference/musicnn.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/storage/files.hpp"
#include "support/neural_test_support.hpp"
#include "support/test_support.hpp"
#include "support/zip_writer.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

TEST(MusicnnWheel, WithoutTheNetworkOrOfAnotherVersionOrDamagedIsRefused) {
  const TemporaryFolder folder;
  const auto refused = [&](const char* network, const std::string& wheel) {
    write_file(folder / "w.whl", wheel);
    return error_message([&] { find_weights(network, folder / "w.whl"); });
  };
  const std::string wheel = testing::write_zip(
      {{"musicnn/MSD_musicnn/.data-00000-of-00001", std::string(1000, 'v')}, {"musicnn/__init__.py", "\n"}});
  EXPECT_THAT(refused("musicnn_mtt", wheel), HasSubstr("MTT_musicnn/.data-00000-of-00001 is missing"));
  EXPECT_THAT(refused("musicnn_msd", wheel), HasSubstr("MSD_musicnn/.data-00000-of-00001 is another one"));
  EXPECT_THAT(refused("efficientat", wheel), HasSubstr("not of efficientat"));
  EXPECT_THAT(refused("musicnn_msd", wheel.substr(0, wheel.size() / 2)), HasSubstr("not a valid zip archive"));
  std::string changed = wheel;
  changed[500] = static_cast<char>(~changed[500]);
  EXPECT_THAT(refused("musicnn_msd", changed), HasSubstr("CRC"));
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

}  // namespace
}  // namespace genrewise
