// Feature sets of pretrained networks, from audio to features.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "genrewise/features/feature_set.hpp"
#include "genrewise/pretrained/embeddings/front_ends.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"
#include "support/neural_test_support.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using testing::largest_difference;
using testing::random_floats;
using testing::random_weights;
using testing::test_wave;

TEST(FrontEnds, ComputeTheSameFramesAloneAndTogether) {
  const auto wave = random_floats(40000, 3, 0.3f);
  const MusicnnFrontEnd front_end;
  MusicnnFrontEnd::Scratch scratch;
  constexpr std::size_t kBands = MusicnnFrontEnd::kBands;
  std::vector<float> all(100 * kBands), some(13 * kBands);
  front_end.process(wave, 0, 100, all, scratch);
  front_end.process(wave, 41, 13, some, scratch);
  EXPECT_TRUE(std::ranges::equal(some, std::span(all).subspan(41 * kBands, 13 * kBands)));
}

TEST(FrontEnds, MapSilenceToTheirFloor) {
  const EfficientAtFrontEnd efficientat;
  EfficientAtFrontEnd::Scratch scratch;
  efficientat.emphasise(std::vector<float>(32000), scratch);
  std::vector<float> mel(128 * 10);
  efficientat.process(20, 10, mel, scratch);
  EXPECT_THAT(mel, Each(::testing::FloatNear((std::log(1e-5f) + 4.5f) / 5, 1e-5f)));
  const MusicnnFrontEnd musicnn;
  std::vector<float> log_mel(96 * 10);
  musicnn.process(std::vector<float>(16000), 20, 10, log_mel, scratch.mel);
  EXPECT_THAT(log_mel, Each(::testing::FloatNear(0, 1e-6f)));
}

/// A folder with random weights for every network, which find_weights() searches first.
class Embedding : public ::testing::Test {
 protected:
  Embedding() {
    for (const char* network : {"mobilenetv2", "efficientat", "musicnn_msd", "musicnn_mtt"})
      write_file(folder_ / (std::string(network) + ".safetensors"), random_weights(network, 11).serialise());
  }

  static std::vector<float> extract(const FeatureSet& set, const std::vector<float>& samples) {
    std::vector<float> row(set.size());
    const auto made = set.extract({samples, set.sample_rate_hz()}, row);
    EXPECT_TRUE(made) << made.error().reason;
    return row;
  }
  testing::TemporaryFolder folder_;
  testing::Environment weights_{"GENREWISE_WEIGHTS", folder_.path()};
};

constexpr const char* kAudioSets[] = {"audiotag", "efficientat_classes", "efficientat_pools", "musicnn_msd",
                                      "musicnn_tags"};

TEST_F(Embedding, IsFiniteForMusicAndSilenceInNamedColumns) {
  for (const char* name : {"audiotag", "efficientat_classes", "musicnn_msd", "mobilenetv2"}) {
    const auto set = make_feature_set(name);
    EXPECT_EQ(set->recipe().name, name);
    EXPECT_EQ(set->size(), feature_set_descriptor(name).columns);
    EXPECT_EQ(set->sample_rate_hz(), feature_set_descriptor(name).sample_rate_hz);
    const auto samples = test_wave(4, set->sample_rate_hz());
    for (const auto& wave : {samples, std::vector<float>(samples.size())}) {
      const auto row = extract(*set, wave);
      EXPECT_TRUE(std::ranges::all_of(row, [](float value) { return std::isfinite(value); })) << name;
    }
    EXPECT_GT(largest_difference(extract(*set, samples), extract(*set, std::vector<float>(samples.size()))), 0) << name;
  }
}

TEST_F(Embedding, OfSeveralPartsEqualsThatOfEachPartAlone) {
  const auto together = make_feature_set("musicnn_pools"), msd = make_feature_set("musicnn_msd_pools"),
             mtt = make_feature_set("musicnn_mtt_pools");
  ASSERT_EQ(together->size(), msd->size() + mtt->size());
  const auto wave = test_wave(3.1, 16000);
  auto parts = extract(*msd, wave);
  const auto more = extract(*mtt, wave);
  parts.insert(parts.end(), more.begin(), more.end());
  EXPECT_EQ(extract(*together, wave), parts);
}

TEST_F(Embedding, IsTheMeanOverWindows) {
  const auto set = make_feature_set("musicnn_msd");
  const auto wave = random_floats(2 * 187 * 256, 5, 0.2f);  // two whole patches
  const auto whole = extract(*set, wave);
  // Alone, the second patch is preceded by zeros, so only the mean over the middle of both halves is close.
  EXPECT_EQ(whole.size(), 200u);
  const auto twice = make_feature_set("efficientat_penultimate");
  auto period = test_wave(10, 32000);
  const auto once = extract(*twice, period);
  period.insert(period.end(), period.begin(), period.end());
  const auto both = extract(*twice, period);
  const float scale = std::abs(*std::ranges::max_element(once));
  EXPECT_LT(largest_difference(both, once), 0.05f * scale) << "twice the same sound is about the same";
}

TEST_F(Embedding, ClipsThatAreTooShortAreFaults) {
  for (const char* name : kAudioSets) {
    const auto set = make_feature_set(name);
    std::vector<float> row(set->size());
    const auto brief = set->extract({std::vector<float>(5000), set->sample_rate_hz()}, row);
    ASSERT_FALSE(brief) << name;
    EXPECT_EQ(brief.error().reason, "too short");
  }
}

TEST_F(Embedding, AcceptsClipsFromTheStatedLeastDuration) {
  const auto musicnn = make_feature_set("musicnn_msd");
  extract(*musicnn, std::vector<float>(186 * 256, 0.1f));
  extract(*make_feature_set("audiotag"), std::vector<float>(2 * 186 * 256, 0.1f));
  extract(*make_feature_set("efficientat_pools"), std::vector<float>(32000, 0.1f));
}

TEST_F(Embedding, RecipeChangesWithTheWeights) {
  const auto before = make_feature_set("musicnn_msd")->recipe();
  EXPECT_EQ(make_feature_set("musicnn_msd")->recipe(), before);
  write_file(folder_ / "musicnn_msd.safetensors", random_weights("musicnn_msd", 12).serialise());
  EXPECT_NE(make_feature_set("musicnn_msd")->recipe().hash, before.hash);
}

}  // namespace
}  // namespace genrewise
