#include "genrewise/base/floats.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "genrewise/base/random.hpp"
#include "support/every_target.hpp"

namespace genrewise {
namespace {

// Relative to the sum of magnitudes: 100 additions in float.
constexpr double kSumError = 2e-6;

TEST_ON_EVERY_TARGET(Dot, EqualsThePlainSumForAnyCount) {
  Rng rng(4);
  std::vector<float> a(101), b(101);
  for (std::vector<float>* values : {&a, &b})
    for (float& value : *values) value = static_cast<float>(rng.normal());
  double sum = 0, magnitudes = 0;
  for (std::size_t count = 0; count < a.size(); ++count) {
    EXPECT_NEAR(dot(std::span(a).first(count), std::span(b).first(count)), sum, kSumError * magnitudes) << count;
    const double product = static_cast<double>(a[count]) * static_cast<double>(b[count]);
    sum += product;
    magnitudes += std::abs(product);
  }
}

TEST_ON_EVERY_TARGET(AllFinite, FindsOneValueThatIsNotAtAnyPosition) {
  for (const float bad : {INFINITY, -INFINITY, NAN, -NAN})
    for (std::size_t at = 0; at < 70; ++at) {
      std::vector<float> values(70, std::numeric_limits<float>::lowest());
      EXPECT_TRUE(all_finite(values));
      values[at] = bad;
      EXPECT_FALSE(all_finite(values)) << at;
      EXPECT_TRUE(all_finite(std::span(values).first(at)));
    }
}

}  // namespace
}  // namespace genrewise
