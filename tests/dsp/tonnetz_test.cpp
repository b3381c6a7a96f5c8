#include "genrewise/dsp/tonality.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

using ::testing::Each;
using ::testing::FloatNear;
using ::testing::Pointwise;

Matrix one_frame(std::initializer_list<std::size_t> classes) {
  Matrix chroma(1, 12);
  for (const std::size_t c : classes) chroma(0, c) = 0.5F;
  return chroma;
}

TEST(Tonnetz, PutsCOnTheStartOfEachCircle) {
  Matrix centroid;
  tonnetz(one_frame({0}), centroid);
  EXPECT_THAT(centroid.row(0), Pointwise(FloatNear(1e-6F), {0.0F, 1.0F, 0.0F, 1.0F, 0.0F, 0.5F}));
}

TEST(Tonnetz, RotatesByEqualStepsForFifthsAndThirds) {
  Matrix centroid;
  // A fifth up (G) turns the first circle by 7 * 7/6 half turns = a twelfth of a turn.
  tonnetz(one_frame({7}), centroid);
  EXPECT_NEAR(std::atan2(centroid(0, 0), centroid(0, 1)), std::acos(-1.0) / 6, 1e-6);
  // A minor third turns the second circle by a quarter, a major third the third one by a third of a turn.
  tonnetz(one_frame({3}), centroid);
  EXPECT_NEAR(std::abs(std::atan2(centroid(0, 2), centroid(0, 3))), std::acos(-1.0) / 2, 1e-6);
  tonnetz(one_frame({4}), centroid);
  EXPECT_NEAR(std::abs(std::atan2(centroid(0, 4), centroid(0, 5))), 2 * std::acos(-1.0) / 3, 1e-6);
}

TEST(Tonnetz, IsAtTheCentreForAllPitchClassesTogether) {
  Matrix centroid;
  tonnetz(Matrix(1, 12, std::vector<float>(12, 0.3F)), centroid);
  EXPECT_THAT(centroid.values(), Each(FloatNear(0, 1e-6F)));
}

TEST(Tonnetz, IsZeroForSilence) {
  Matrix centroid;
  tonnetz(Matrix(2, 12), centroid);
  EXPECT_EQ(centroid.rows(), 2U);
  EXPECT_THAT(centroid.values(), Each(0.0F));
}

TEST(Tonnetz, RefusesOtherWidths) {
  Matrix centroid;
  EXPECT_THROW(tonnetz(Matrix(2, 24), centroid), Error);
}

}  // namespace
}  // namespace genrewise
