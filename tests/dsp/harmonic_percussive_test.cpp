// Harmonic share, spectral flatness and flux.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cqt_golden.hpp"
#include "genrewise/dsp/frame_series.hpp"
#include "music_golden.hpp"
#include "support/every_target.hpp"

namespace genrewise {
namespace {

using ::testing::Each;
using testing::expect_golden;
using ::testing::FloatNear;
using testing::lcg_noise;

Matrix golden_magnitudes(std::size_t frames) {
  Matrix magnitudes(frames, 40, lcg_noise(40 * frames));
  for (float& value : magnitudes.values())
    value = static_cast<float>(std::pow(std::abs(static_cast<double>(value)), 3));
  return magnitudes;
}

TEST_ON_EVERY_TARGET(HarmonicMask, EqualsLibrosa) {
  HarmonicScratch scratch;
  Matrix mask;
  harmonic_mask(golden_magnitudes(70), mask, scratch);
  for (const std::size_t t : {0U, 14U, 40U, 69U}) expect_golden("harmonic_" + std::to_string(t), mask.row(t), 2e-6F);
  harmonic_mask(golden_magnitudes(7), mask, scratch);
  expect_golden("harmonic_of_seven_frames", mask.row(3), 2e-6F);
}

TEST_ON_EVERY_TARGET(HarmonicShare, IsOneForSteadyTonesAndZeroForClicks) {
  Matrix tones(100, 64), strokes(100, 64), mask;
  for (std::size_t i = 0; i < 100; ++i)
    for (std::size_t b = 5; b < 64; b += 20) tones(i, b) = 2;
  for (std::size_t t = 10; t < 100; t += 40)
    for (std::size_t b = 0; b < 64; ++b) strokes(t, b) = 3;
  HarmonicScratch scratch;
  std::vector<float> share(100);
  harmonic_mask(tones, mask, scratch);
  harmonic_share(tones, mask, share);
  EXPECT_THAT(share, Each(1.0F));
  harmonic_mask(strokes, mask, scratch);
  harmonic_share(strokes, mask, share);
  for (std::size_t t = 0; t < 100; ++t) EXPECT_EQ(share[t], t % 40 == 10 ? 0.0F : 0.5F) << t;
}

TEST_ON_EVERY_TARGET(HarmonicShare, IsOneHalfForSilenceAndEmptyForNoFrames) {
  HarmonicScratch scratch;
  Matrix mask;
  std::vector<float> share(3);
  harmonic_mask(Matrix(3, 128), mask, scratch);
  harmonic_share(Matrix(3, 128), mask, share);
  EXPECT_THAT(share, Each(0.5F));
  harmonic_mask(Matrix(0, 128), mask, scratch);
  EXPECT_EQ(mask.rows(), 0U);
}

AlignedVector<float> aligned(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

TEST_ON_EVERY_TARGET(SpectralFlatness, EqualsLibrosa) {
  auto power = aligned(lcg_noise(1025));
  for (float& value : power) value = static_cast<float>(std::pow(std::abs(static_cast<double>(value)), 8));
  EXPECT_NEAR(spectral_flatness(power), testing::music_golden("flatness").at(0), 1e-7);
}

TEST_ON_EVERY_TARGET(SpectralFlatness, IsOneForWhiteAndSilentFramesAndSmallForATone) {
  EXPECT_NEAR(spectral_flatness(AlignedVector<float>(1025, 0.3F)), 1, 1e-5);
  EXPECT_NEAR(spectral_flatness(AlignedVector<float>(1025)), 1, 1e-5);
  EXPECT_NEAR(spectral_flatness(AlignedVector<float>(1, 5.0F)), 1, 1e-5);
  AlignedVector<float> tone(1025);
  tone[100] = 1000;
  EXPECT_LT(spectral_flatness(tone), 1e-9F);
}

TEST_ON_EVERY_TARGET(SpectralFlux, DetectsAChangeOfShapeButNotOfLoudness) {
  auto power = aligned(lcg_noise(1025));
  for (float& value : power) value *= value;
  auto louder = power;
  for (float& value : louder) value *= 9;
  EXPECT_NEAR(spectral_flux(power, louder), 0, 1e-9);
  const std::vector<float> low{4, 0, 0}, high{0, 0, 9}, silent{0, 0, 0};
  EXPECT_FLOAT_EQ(spectral_flux(low, high), 2);
  EXPECT_FLOAT_EQ(spectral_flux(silent, high), 1);
  EXPECT_FLOAT_EQ(spectral_flux(silent, silent), 0);
}

}  // namespace
}  // namespace genrewise
