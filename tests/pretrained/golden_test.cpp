// The pretrained networks and their input equal the reference implementations (tests/golden/neural/networks.py). The
// weights are made by a rule, written to a file and read as published ones are.
#include <gtest/gtest.h>

#include "genrewise/pretrained/embeddings/front_ends.hpp"
#include "genrewise/pretrained/inference/efficientat.hpp"
#include "genrewise/pretrained/inference/mobilenet_v2.hpp"
#include "genrewise/pretrained/inference/musicnn.hpp"
#include "genrewise/storage/files.hpp"
#include "support/neural_test_support.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::NetworkGolden;
using testing::test_wave;
using testing::wave_like;

constexpr float kGoldenTolerance = 1e-4f;  // required of pretrained networks; single precision in another order of sums
// The input networks' logarithms amplify rounding where the power is close to 0.
constexpr float kMelTolerance = 1e-4f;

TensorArchive written_and_read(const std::string& network) {
  const testing::TemporaryFolder folder;
  write_file(folder / (network + ".safetensors"), testing::seeded_weights(network).serialise());
  return find_weights(network, folder.path());
}

TEST(GoldenMobileNetV2, EqualsTheReference) {
  const NetworkGolden golden;
  const MobileNetV2 network(written_and_read("mobilenetv2"));
  constexpr std::size_t kPixels = MobileNetV2::kSide * MobileNetV2::kSide;
  std::vector<float> embedding(MobileNetV2::kEmbedding);
  MobileNetV2::Scratch scratch;
  network.embed(wave_like(3 * kPixels), embedding, scratch);
  EXPECT_LT(golden.difference(embedding, "mobilenetv2", "embedding"), kGoldenTolerance);
  network.embed_grey(wave_like(kPixels), embedding, scratch);
  EXPECT_LT(golden.difference(embedding, "mobilenetv2_grey", "embedding"), kGoldenTolerance);
}

TEST(GoldenEfficientAt, EqualsTheReference) {
  const NetworkGolden golden;
  const EfficientAt network(written_and_read("efficientat"));
  std::vector<float> embedding(EfficientAt::kEmbedding), logits(EfficientAt::kClasses);
  std::vector<float> means(EfficientAt::kBlockChannels), deviations(means);
  EfficientAt::Scratch scratch;
  network.run(wave_like(EfficientAt::kBands * 201), 201, {embedding, means, deviations, logits}, scratch);
  EXPECT_LT(golden.difference(embedding, "efficientat", "embedding"), kGoldenTolerance);
  EXPECT_LT(golden.difference(means, "efficientat", "block_means"), kGoldenTolerance);
  EXPECT_LT(golden.difference(deviations, "efficientat", "block_deviations"), kGoldenTolerance);
  EXPECT_LT(golden.difference(logits, "efficientat", "logits"), kGoldenTolerance);
}

TEST(GoldenMusicnn, EqualsTheReference) {
  const NetworkGolden golden;
  const Musicnn network(written_and_read("musicnn_msd"));
  auto patch = wave_like(Musicnn::kFrames * Musicnn::kBands);
  for (float& value : patch) value += 1;
  std::vector<float> most(Musicnn::kChannels), mean(most), penultimate(Musicnn::kPenultimate), tags(Musicnn::kTags);
  Musicnn::Scratch scratch;
  network.run(patch, {most, mean, penultimate, tags}, scratch);
  EXPECT_LT(golden.difference(most, "musicnn", "max_pool"), kGoldenTolerance);
  EXPECT_LT(golden.difference(mean, "musicnn", "mean_pool"), kGoldenTolerance);
  EXPECT_LT(golden.difference(penultimate, "musicnn", "penultimate"), kGoldenTolerance);
  EXPECT_LT(golden.difference(tags, "musicnn", "tags"), kGoldenTolerance);
}

TEST(EfficientAtFrontEnd, EqualsTheReferenceOnTheTestWave) {
  const NetworkGolden golden;
  const EfficientAtFrontEnd front_end;
  EfficientAtFrontEnd::Scratch scratch;
  const auto wave = test_wave(10, EfficientAtFrontEnd::kSampleRateHz);
  front_end.emphasise(wave, scratch);
  ASSERT_EQ(front_end.frames(wave.size()), 1000u);
  for (const auto& [frame, values] : golden.json().at("efficientat_mel").items()) {
    std::vector<float> mel(EfficientAtFrontEnd::kBands);
    front_end.process(std::stoul(frame), 1, mel, scratch);
    EXPECT_LT(golden.difference(mel, "efficientat_mel", frame), kMelTolerance) << frame;
  }
}

TEST(MusicnnFrontEnd, EqualsLibrosaOnTheTestWave) {
  const NetworkGolden golden("musicnn_mel.json");
  const MusicnnFrontEnd front_end;
  MusicnnFrontEnd::Scratch scratch;
  const auto wave = test_wave(9, MusicnnFrontEnd::kSampleRateHz);
  ASSERT_EQ(front_end.frames(wave.size()), 563u);
  for (const auto& [frame, values] : golden.json().at("musicnn_mel").items()) {
    std::vector<float> mel(MusicnnFrontEnd::kBands);
    front_end.process(wave, std::stoul(frame), 1, mel, scratch);
    EXPECT_LT(golden.difference(mel, "musicnn_mel", frame), kMelTolerance) << frame;
  }
}

}  // namespace
}  // namespace genrewise
