#include "genrewise/dsp/loudness.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "genrewise/base/error.hpp"
#include "support/every_target.hpp"

namespace genrewise {
namespace {

// The conformance signals of EBU Tech 3341 and 3342 are stereo; one channel measures this much less.
constexpr double kOneChannelLu = 3.0103;
constexpr double kTech3341Tolerance = 0.1, kTech3342Tolerance = 1;

struct Part {
  double level_dbfs, seconds;
};

std::vector<float> sine(const std::vector<Part>& parts, int rate_hz = 48000, double frequency_hz = 1000) {
  std::vector<float> samples;
  for (const Part& part : parts) {
    const double amplitude = std::pow(10, part.level_dbfs / 20);
    const auto count = static_cast<std::size_t>(part.seconds * rate_hz);
    for (std::size_t i = 0; i < count; ++i)
      samples.push_back(static_cast<float>(
          amplitude * std::sin(2 * std::numbers::pi * frequency_hz * static_cast<double>(samples.size()) / rate_hz)));
  }
  return samples;
}

TEST_ON_EVERY_TARGET(Loudness, IsMinus3LufsForAFullScaleSineAsInBs1770) {
  for (const int rate_hz : {8000, 22050, 32000, 44100, 48000, 96000, 192000})
    EXPECT_NEAR(measure_loudness(sine({{0, 3}}, rate_hz, 997), rate_hz).integrated_lufs, -3.01, 0.05) << rate_hz;
}

TEST(Loudness, PassesTheSineTestsOfEbuTech3341) {
  const auto integrated = [](const std::vector<Part>& parts) {
    return measure_loudness(sine(parts), 48000).integrated_lufs + kOneChannelLu;
  };
  EXPECT_NEAR(integrated({{-23, 20}}), -23, kTech3341Tolerance);
  EXPECT_NEAR(integrated({{-33, 20}}), -33, kTech3341Tolerance);
  EXPECT_NEAR(integrated({{-36, 10}, {-23, 60}, {-36, 10}}), -23, kTech3341Tolerance);
  EXPECT_NEAR(integrated({{-72, 10}, {-36, 10}, {-23, 60}, {-36, 10}, {-72, 10}}), -23, kTech3341Tolerance);
  EXPECT_NEAR(integrated({{-26, 20}, {-20, 20.1}, {-26, 20}}), -23, kTech3341Tolerance);
}

TEST(Loudness, HasMaximaOfShortWindowsInTheLoudestPart) {
  const Loudness loudness = measure_loudness(sine({{-40, 5}, {-20, 1}, {-40, 5}}), 48000);
  EXPECT_NEAR(loudness.max_momentary_lufs + kOneChannelLu, -20, 0.1);
  // One second of three: lower by 10 log10(1 / 3) (plus a hundredth from the quiet part).
  EXPECT_NEAR(loudness.max_short_term_lufs + kOneChannelLu, -20 - 4.69, 0.1);
  EXPECT_NEAR(loudness.peak_dbfs, -20, 0.01);
}

TEST(Loudness, PassesTheRangeTestsOfEbuTech3342) {
  const auto range = [](const std::vector<Part>& parts) { return measure_loudness(sine(parts), 48000).range_lu; };
  EXPECT_NEAR(range({{-20, 20}, {-30, 20}}), 10, kTech3342Tolerance);
  EXPECT_NEAR(range({{-20, 20}, {-15, 20}}), 5, kTech3342Tolerance);
  EXPECT_NEAR(range({{-40, 20}, {-20, 20}}), 20, kTech3342Tolerance);
  EXPECT_NEAR(range({{-50, 20}, {-35, 20}, {-20, 20}, {-35, 20}, {-50, 20}}), 15, kTech3342Tolerance);
}

TEST_ON_EVERY_TARGET(Loudness, WeightsLowTonesLessAndHighTonesMore) {
  const double middle = measure_loudness(sine({{-20, 3}}), 48000).integrated_lufs;
  EXPECT_LT(measure_loudness(sine({{-20, 3}}, 48000, 30), 48000).integrated_lufs, middle - 4);
  EXPECT_NEAR(measure_loudness(sine({{-20, 3}}, 48000, 10000), 48000).integrated_lufs, middle + 3.3, 0.2);
}

TEST_ON_EVERY_TARGET(Loudness, IsFiniteForSilenceAndShortClips) {
  for (const std::size_t count : {0U, 1U, 100U, 20000U, 50000U}) {
    const Loudness silent = measure_loudness(std::vector<float>(count), 44100);
    EXPECT_EQ(silent.integrated_lufs, kSilenceLufs);
    EXPECT_EQ(silent.max_momentary_lufs, kSilenceLufs);
    EXPECT_EQ(silent.max_short_term_lufs, kSilenceLufs);
    EXPECT_EQ(silent.range_lu, 0);
    EXPECT_NEAR(silent.peak_dbfs, -100, 1e-9);
  }
  const Loudness clipped = measure_loudness(sine({{-20, 0.2}}), 48000);
  EXPECT_NEAR(clipped.integrated_lufs + kOneChannelLu, -20, 0.1);
  EXPECT_EQ(clipped.range_lu, 0);
}

TEST(Loudness, RefusesTooLowSamplingRates) {
  EXPECT_THROW(measure_loudness(std::vector<float>(100), 2000), Error);
}

}  // namespace
}  // namespace genrewise
