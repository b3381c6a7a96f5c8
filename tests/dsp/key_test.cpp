#include "genrewise/dsp/tonality.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace genrewise {
namespace {

using Chroma = std::array<float, 12>;

Chroma scale(std::initializer_list<int> semitones, int tonic, int final_weight = 3) {
  Chroma chroma{};
  for (const int semitone : semitones) chroma[static_cast<std::size_t>((tonic + semitone) % 12)] = 1;
  chroma[static_cast<std::size_t>(tonic)] += static_cast<float>(final_weight);
  chroma[static_cast<std::size_t>((tonic + 7) % 12)] += 1;
  return chroma;
}

TEST(Key, IsFoundForEachTonicInMajorAndMinor) {
  for (int tonic = 0; tonic < 12; ++tonic) {
    const KeyEstimate major = estimate_key(scale({0, 2, 4, 5, 7, 9, 11}, tonic));
    EXPECT_EQ(major.tonic, tonic);
    EXPECT_FALSE(major.minor);
    EXPECT_GT(major.mode, 0);
    const KeyEstimate minor = estimate_key(scale({0, 2, 3, 5, 7, 8, 10}, tonic));
    EXPECT_EQ(minor.tonic, tonic);
    EXPECT_TRUE(minor.minor);
    EXPECT_LT(minor.mode, 0);
    EXPECT_GT(minor.margin, 0);
  }
}

TEST(Key, HasStrengthOneForItsOwnProfile) {
  const Chroma g_minor{3.53F, 2.54F, 4.75F, 3.98F, 2.69F, 3.34F, 3.17F, 6.33F, 2.68F, 3.52F, 5.38F, 2.60F};
  const KeyEstimate key = estimate_key(g_minor);
  EXPECT_EQ(key.tonic, 7);
  EXPECT_TRUE(key.minor);
  EXPECT_NEAR(key.strength, 1, 1e-6);
  // Krumhansl (1990): the nearest key to a minor key is its relative major, here B flat; correlation 0.651.
  EXPECT_NEAR(key.margin, 1 - 0.651F, 2e-3);
}

TEST(Key, DoesNotDependOnLoudness) {
  Chroma chroma = scale({0, 2, 4, 5, 7, 9, 11}, 5);
  const KeyEstimate once = estimate_key(chroma);
  for (float& value : chroma) value *= 1000;
  EXPECT_NEAR(estimate_key(chroma).strength, once.strength, 1e-6);
}

TEST(Key, HasStrengthZeroForSilenceAndAFlatChroma) {
  for (const float level : {0.0F, 1.0F, 0.3F}) {
    Chroma chroma;
    chroma.fill(level);
    const KeyEstimate key = estimate_key(chroma);
    EXPECT_EQ(key.strength, 0);
    EXPECT_EQ(key.margin, 0);
    EXPECT_EQ(key.mode, 0);
    EXPECT_EQ(key.tonic, 0);
  }
}

}  // namespace
}  // namespace genrewise
