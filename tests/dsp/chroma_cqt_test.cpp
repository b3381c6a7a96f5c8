#include "genrewise/dsp/tonality.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cqt_golden.hpp"
#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

using ::testing::Each;

Matrix notes(std::size_t frames, std::initializer_list<std::size_t> bins) {
  Matrix cqt(frames, 84);
  for (std::size_t t = 0; t < frames; ++t)
    for (const std::size_t bin : bins) cqt(t, bin) = 2;
  return cqt;
}

TEST(ChromaCqt, SumsOctavesOfAPitchClass) {
  Matrix chroma;
  chroma_cqt(notes(1, {0, 12, 24, 7, 9}), 12, chroma);
  for (std::size_t c = 0; c < 12; ++c)
    EXPECT_FLOAT_EQ(chroma(0, c), c == 0 ? 1.0F : c == 7 || c == 9 ? 1.0F / 3 : 0.0F) << c;
}

TEST(ChromaCqt, MergesThreeNeighboursFor36BinsPerOctave) {
  Matrix chroma;
  // librosa centres each class on its bin: 35, 36, 37 are the second C; 1 + 2 + 3 -> 2, 3, 4 the first C sharp.
  chroma_cqt(notes(1, {35, 36, 37, 2}), 36, chroma);
  EXPECT_FLOAT_EQ(chroma(0, 0), 1);
  EXPECT_FLOAT_EQ(chroma(0, 1), 1.0F / 3);
}

TEST(ChromaCqt, LeavesSilenceAtZero) {
  Matrix chroma;
  chroma_cqt(Matrix(3, 84), 12, chroma);
  EXPECT_THAT(chroma.values(), Each(0.0F));
  chroma_cens(Matrix(3, 84), 12, chroma);
  EXPECT_THAT(chroma.values(), Each(0.0F));
  chroma_cqt(Matrix(0, 84), 12, chroma);
  EXPECT_EQ(chroma.rows(), 0U);
}

TEST(ChromaCqt, RefusesBinCountsThatAreNotAMultipleOf12) {
  Matrix chroma;
  EXPECT_THROW(chroma_cqt(Matrix(1, 84), 10, chroma), Error);
  EXPECT_THROW(chroma_cens(Matrix(1, 84), 0, chroma), Error);
}

TEST(ChromaCens, HasUnitLengthAndQuantisedShares) {
  Matrix chroma;
  chroma_cens(notes(100, {0, 12, 24, 7, 9}), 12, chroma);
  // Shares 0.6, 0.2, 0.2: above 0.4, and above 0.1 (0.2 is not above 0.2) -> 1, 0.5, 0.5.
  const float unit = 1 / std::sqrt(1.5F);
  for (std::size_t t = 0; t < 100; ++t) {
    EXPECT_NEAR(chroma(t, 0), unit, 1e-6);
    EXPECT_NEAR(chroma(t, 7), unit / 2, 1e-6);
    EXPECT_NEAR(chroma(t, 9), unit / 2, 1e-6);
  }
}

TEST(ChromaCens, SmoothsOver41Frames) {
  Matrix cqt(101, 84), chroma;
  cqt(50, 3) = 1;
  chroma_cens(cqt, 12, chroma);
  for (std::size_t t = 0; t < 101; ++t) EXPECT_EQ(chroma(t, 3), t >= 30 && t <= 70 ? 1.0F : 0.0F) << t;
}

TEST(ChromaCens, EqualsLibrosaOnAMatrixOfNoise) {
  // librosa 0.11.0: C = (noise(84 * 60).reshape(60, 84) + 1).T ** 2 (float32); chroma_cens(C=C, bins_per_octave=12)[:,
  // t]
  Matrix cqt(60, 84, testing::lcg_noise(84 * 60)), chroma;
  for (float& value : cqt.values()) value = (value + 1) * (value + 1);
  chroma_cens(cqt, 12, chroma);
  const std::vector<float> first = {0.2832315, 0.326194,  0.3378808, 0.2622302, 0.293814,  0.3294547,
                                    0.2831771, 0.2904692, 0.2658595, 0.281256,  0.2771316, 0.2107902},
                           thirtieth = {0.2884553, 0.2997316, 0.3033316, 0.2784721, 0.268136,  0.3163607,
                                        0.2860065, 0.3052496, 0.2459911, 0.3158472, 0.2648819, 0.2828536};
  for (std::size_t c = 0; c < 12; ++c) {
    EXPECT_NEAR(chroma(0, c), first[c], 2e-6);
    EXPECT_NEAR(chroma(30, c), thirtieth[c], 2e-6);
  }
}

}  // namespace
}  // namespace genrewise
