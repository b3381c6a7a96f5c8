#include "genrewise/features/joined_features.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "genrewise/audio/waveform.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/features/feature_list.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;

FeatureSetDescriptor joined(std::vector<FeatureSetDescriptor> parts) {
  return joined_features("joined", "Joined", "several sets", std::move(parts));
}

std::vector<float> wave(double seconds, int rate_hz) {
  std::vector<float> samples(static_cast<std::size_t>(seconds * rate_hz));
  Rng rng(1);
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<float>(0.3 * std::sin(2760.0 * static_cast<double>(i) / rate_hz) + 0.1 * rng.normal());
  return samples;
}

Expected<std::vector<float>> extract(const FeatureSet& set, const Waveform& clip) {
  std::vector<float> row(set.size(), std::nanf(""));
  const Expected<void> done = set.extract(clip, row);
  if (!done) return tl::unexpected(done.error());
  return row;
}

TEST(JoinedFeatures, AreTheColumnsOfThePartsWithTheirOwnValues) {
  const auto set = joined({mfcc_features(), mel224_features()}).make();
  const auto mfcc = mfcc_features().make(), mel = mel224_features().make();
  const Waveform clip{wave(3, 44100), 44100};
  auto expected = extract(*mfcc, clip).value();
  const auto own_rate = extract(*mel, {resample(clip.samples, 44100, mel->sample_rate_hz()), mel->sample_rate_hz()});
  expected.insert(expected.end(), own_rate->begin(), own_rate->end());
  EXPECT_EQ(extract(*set, clip).value(), expected);
  EXPECT_EQ(set->columns().front(), mfcc->columns().front());
  EXPECT_EQ(set->columns().back(), mel->columns().back());
  EXPECT_EQ(set->sample_rate_hz(), 0);
}

TEST(JoinedFeatures, TakeAClipThatHasTheRateOfAPartAlready) {
  const auto mel = mel224_features().make();
  const Waveform clip{wave(3, mel->sample_rate_hz()), mel->sample_rate_hz()};
  EXPECT_EQ(extract(*joined({mel224_features()}).make(), clip).value(), extract(*mel, clip).value());
}

TEST(JoinedFeatures, HaveARecipeOfAllPartsInTheirOrder) {
  const auto recipe = [](std::vector<FeatureSetDescriptor> parts) { return joined(std::move(parts)).make()->recipe(); };
  const FeatureRecipe both = recipe({mfcc_features(), music_features()});
  EXPECT_EQ(both.name, "joined");
  EXPECT_EQ(recipe({mfcc_features(), music_features()}), both);
  EXPECT_NE(recipe({music_features(), mfcc_features()}).hash, both.hash);
  EXPECT_NE(recipe({mfcc_features()}).hash, both.hash);
}

TEST(JoinedFeatures, DescribeTheirColumnsWeightsAndRequirements) {
  FeatureSetDescriptor one = mfcc_features(), other = music_features();
  one.weights = {"a", "b"};
  other.weights = {"b", "c"};
  const FeatureSetDescriptor set = joined({one, other});
  EXPECT_EQ(set.columns, one.columns + other.columns);
  EXPECT_THAT(set.weights, ElementsAre("a", "b", "c"));
  EXPECT_EQ(set.takes, one.takes + "; " + other.takes);
}

TEST(JoinedFeatures, AClipThatOnePartCannotUseIsItsFault) {
  const auto set = joined({mfcc_features(), music_features(), raw10k_features()}).make();
  EXPECT_EQ(extract(*set, {wave(1, 8000), 8000}).error().reason, "wrong sample rate");            // of music
  EXPECT_EQ(extract(*set, {std::vector<float>(9000, 0.1f), 44100}).error().reason, "too short");  // of raw10k
}

}  // namespace
}  // namespace genrewise
