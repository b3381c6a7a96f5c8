// The vector kernels of the classical models against plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

#include "genrewise/base/random.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/byte_products.hpp"
#include "genrewise/models/classical/kernel.hpp"
#include "genrewise/models/classical/smo_step.hpp"
#include "genrewise/models/classical/sort_few.hpp"
#include "support/every_target.hpp"

namespace genrewise {
namespace {

constexpr double kSumError = 1e-14;     // sums of 100 products in double, relative to the sum of magnitudes
constexpr double kKernelError = 2e-6;   // exp() and tanh() of a float that is itself rounded, relative
constexpr double kUpdateError = 1e-15;  // one multiplication and addition in double, with or without rounding between

template <class T = float>
std::vector<T> noise(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(rng.normal());
  return values;
}

TEST_ON_EVERY_TARGET(BlasSums, EqualPlainLoopsForAnyCount) {
  const auto a = noise(70, 1), b = noise(70, 2);
  const auto mean = noise<double>(70, 3), factor = noise<double>(70, 4);
  for (std::size_t count = 0; count <= a.size(); ++count) {
    const std::span<const float> row(a.data(), count);
    const auto expect_sum = [&](double found, const std::function<double(std::size_t)>& term) {
      double sum = 0, magnitudes = 0;
      for (std::size_t j = 0; j < count; ++j) {
        sum += term(j);
        magnitudes += std::abs(term(j));
      }
      EXPECT_NEAR(found, sum, kSumError * magnitudes) << count;
    };
    expect_sum(blas::dot(row, std::span(b).first(count)), [&](std::size_t j) { return double{a[j]} * b[j]; });
    expect_sum(blas::dot(row, mean.data()), [&](std::size_t j) { return a[j] * mean[j]; });
    expect_sum(blas::squared_distance(row, b.data()), [&](std::size_t j) { return std::pow(double{a[j]} - b[j], 2); });
    expect_sum(blas::manhattan_distance(row, b.data()), [&](std::size_t j) { return std::abs(double{a[j]} - b[j]); });
    expect_sum(blas::scaled_squared_distance(row, mean.data(), factor.data()),
               [&](std::size_t j) { return std::pow(a[j] - mean[j], 2) * factor[j]; });
    std::vector<double> sums = factor, squares = factor;
    blas::add(-0.75, row, sums.data());
    blas::add_squared_differences(row, mean.data(), squares.data());
    for (std::size_t j = 0; j < factor.size(); ++j) {
      EXPECT_NEAR(sums[j], factor[j] - (j < count ? 0.75 * a[j] : 0), kUpdateError * 10);
      const double square = j < count ? std::pow(a[j] - mean[j], 2) : 0;
      EXPECT_NEAR(squares[j], factor[j] + square, kUpdateError * (1 + square) * 10);
    }
  }
}

TEST_ON_EVERY_TARGET(BlasSums, FindTheProductsWithinTheThreshold) {
  const std::vector<float> norms(100, 4.0f);
  for (std::size_t count = 0; count <= norms.size(); ++count)
    for (const std::size_t step : {1, 2, 3, 7, 31, 200}) {
      std::vector<float> products(count, 1.0f);  // 4 - 2 - 0.4 > 1
      std::vector<std::uint32_t> expected, found(count + blas::kFoundPadding);
      for (std::size_t at = step / 2; at < count; at += step) {
        products[at] = 1.5f;  // 4 - 3 - 0.4 <= 1
        expected.push_back(static_cast<std::uint32_t>(at));
      }
      found.resize(blas::find_within({.norm = norms.data()}, products, {.of_norm = 0.1f}, 1, found.data()));
      EXPECT_EQ(found, expected) << count << ' ' << step;
    }
}

TEST_ON_EVERY_TARGET(BlasSums, FindTheLeastUpperBoundOfEachGroup) {
  const auto norms = noise(300, 1), lengths = noise(300, 2), rests = noise(300, 3), products = noise(300, 4);
  const blas::DistanceBounds bounds{.factor = 3, .of_norm = 0.5f, .of_length = 2, .of_rest = 4};
  const auto least = blas::least_upper_bounds({norms.data(), lengths.data(), rests.data()}, products, bounds);
  std::vector<float> expected(blas::kBoundGroups, std::numeric_limits<float>::infinity());
  for (std::size_t j = 0; j < 288; ++j)  // a multiple of every vector's length
    expected[j % blas::kBoundGroups] =
        std::min(expected[j % blas::kBoundGroups], 1.5f * norms[j] - 3 * products[j] + 2 * lengths[j] + 4 * rests[j]);
  for (std::size_t group = 0; group < 32; ++group) EXPECT_NEAR(least[group], expected[group], 1e-5) << group;
  // What remains of 300 may be left out, but nothing else may be.
  for (std::size_t group = 0; group < blas::kBoundGroups; ++group) EXPECT_LT(least[group], expected[group] + 1e-5);
}

TEST_ON_EVERY_TARGET(ByteProducts, AreProductsOfIntegersWithinTheirBoundOfTheExactOnes) {
  if (!has_byte_products()) return;  // this instruction set has none
  for (const auto& [rows, cols] : {std::pair<std::size_t, std::size_t>{7, 64}, {130, 65}, {1, 1}, {23, 519}}) {
    auto values = noise(rows * cols, 8), others = noise(rows * cols, 9);
    if (rows > 2) std::fill_n(values.begin(), 2 * cols, 0.0f);  // rows of zeros
    values.back() = 1e4f;                                       // leaves the rest of its row few integers
    const blas::View<const float> points(values.data(), rows, cols), queries(others.data(), rows, cols);
    const ByteRows packed = pack_points(points);
    ByteRows left;
    pack_queries(queries, left);
    std::vector<float> out(rows * padded_points(rows));
    multiply_bytes(left, packed, 0, blas::View<float>(out.data(), rows, rows, padded_points(rows)));
    const auto length = [](std::span<const float> row) { return std::sqrt(blas::dot(row, row)); };
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < rows; ++j) {
        const std::span a(others.data() + i * cols, cols), b(values.data() + j * cols, cols);
        double of_integers = 0;
        for (std::size_t c = 0; c < cols; ++c)
          of_integers += std::clamp(std::nearbyint(a[c] * (1 / left.scale[i])), -127.0f, 127.0f) *
                         std::nearbyint(b[c] * (1 / packed.scale[j]));
        const double product = out[i * padded_points(rows) + j];
        EXPECT_NEAR(product, of_integers * packed.scale[j], 1e-6 * std::abs(product));
        const double bound = left.rest[i] * length(b) + (length(a) + left.rest[i]) * packed.rest[j];
        EXPECT_LE(std::abs(product * left.scale[i] - blas::dot(a, b)), bound + 1e-6 * std::abs(product));
      }
  }
}

TEST_ON_EVERY_TARGET(SortFew, SortsAnyNumberOfIntegers) {
  Rng rng(12);
  std::vector<std::int32_t> all(1000);
  std::iota(all.begin(), all.end(), -500);
  for (std::size_t count = 0; count <= kMostSortedFew; ++count) {
    rng.shuffle(std::span(all));
    std::vector<std::int32_t> keys(all.begin(), all.begin() + kMostSortedFew), expected = keys;
    std::sort(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(count));
    sort_few(keys.data(), count);
    keys.resize(count);
    expected.resize(count);
    EXPECT_EQ(keys, expected);
  }
}

TEST_ON_EVERY_TARGET(Kernels, EqualTheirFormulasAtAnyPosition) {
  const std::size_t count = 39;
  const auto products = noise(count, 5);
  std::vector<float> norms = noise(count, 6);
  for (float& norm : norms) norm = std::abs(norm) + 4;
  const float own = 4.5f;
  for (Kernel kernel : {Kernel{KernelKind::linear}, Kernel{KernelKind::poly, 0.7, 0.3, 4}, Kernel{KernelKind::rbf, 0.2},
                        Kernel{KernelKind::rbf, 50}, Kernel{KernelKind::sigmoid, 0.5, -0.25}}) {
    std::vector<float> values = products;
    apply_kernel(kernel, {&own, 1}, norms, blas::View<float>(values.data(), 1, count));
    for (std::size_t i = 0; i < count; ++i) {
      const double x = kernel.gamma * static_cast<double>(products[i]) + kernel.coef0;
      const double squared = static_cast<double>(own) + norms[i] - 2 * static_cast<double>(products[i]);
      const double expected = kernel.kind == KernelKind::linear ? static_cast<double>(products[i])
                              : kernel.kind == KernelKind::poly ? std::pow(x, kernel.degree)
                              : kernel.kind == KernelKind::rbf  ? std::exp(-kernel.gamma * squared)
                                                                : std::tanh(x);
      const double argument = kernel.kind == KernelKind::rbf ? 1 + kernel.gamma * squared : 1;
      EXPECT_NEAR(values[i], expected, kKernelError * argument * std::max(std::abs(expected), 1e-37)) << i;
      float alone = products[i];
      apply_kernel(kernel, {&own, 1}, std::span(norms).subspan(i, 1), blas::View<float>(&alone, 1, 1));
      EXPECT_EQ(alone, values[i]) << i;
    }
  }
}

struct Examples {
  std::vector<double> f, up, low, diagonal;
  std::vector<float> a, b;
  SmoClass of_class;

  explicit Examples(std::size_t count) : a(noise(count, 7)), b(noise(count, 8)) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const std::size_t padded = (count + kSmoLanes - 1) / kSmoLanes * kSmoLanes;
    f = noise<double>(padded, 9);
    for (std::size_t k = 0; k + 1 < count; k += 5) f[k + 1] = f[k];  // ties
    for (std::size_t k = 0; k < padded; ++k) {
      up.push_back(k < count && k % 3 != 0 ? 0 : kInfinity);
      low.push_back(k < count && k % 4 != 0 ? 0 : -kInfinity);
      diagonal.push_back(1 + static_cast<double>(k % 7));
    }
    of_class = {16, count, f.data(), up.data(), low.data(), diagonal.data()};
  }
};

TEST_ON_EVERY_TARGET(SmoStep, UpdatesAndFindsTheExtremesAsAPlainLoop) {
  for (std::size_t count = 1; count < 60; ++count) {
    Examples examples(count);
    const std::vector<double> before = examples.f;
    SmoExtremes seen;
    update_smo(examples.of_class, examples.a.data(), examples.b.data(), 0.25, seen);
    SmoExtremes expected;
    for (std::size_t k = 0; k < count; ++k) {
      EXPECT_NEAR(examples.f[k], before[k] + 0.25 * (double{examples.a[k]} - examples.b[k]), kUpdateError * 10);
      const double f = examples.f[k];
      if (f + examples.up[k] <= expected.f_up) expected = {f + examples.up[k], expected.highest_low, 16 + k};
      expected.highest_low = std::max(expected.highest_low, f + examples.low[k]);
    }
    EXPECT_EQ(seen.f_up, expected.f_up);
    EXPECT_EQ(seen.highest_low, expected.highest_low);
    if (std::isfinite(seen.f_up)) {
      EXPECT_EQ(seen.up_at, expected.up_at) << count;
    }
  }
}

TEST_ON_EVERY_TARGET(SmoStep, FindsTheLowExampleOfTheLargestGain) {
  for (std::size_t count = 2; count < 60; ++count) {
    const Examples examples(count);
    SmoSecond best;
    find_smo_second(examples.of_class, examples.a.data(), -0.5, 3, best);
    double largest = 0;
    const auto gain = [&](std::size_t k) {
      const double difference = examples.f[k] + examples.low[k] + 0.5;
      const double curvature = std::max(examples.diagonal[k] + 3 - 2 * double{examples.a[k]}, kLeastSmoCurvature);
      return difference > 0 ? difference * difference / curvature : 0;
    };
    for (std::size_t k = 0; k < count; ++k) largest = std::max(largest, gain(k));
    EXPECT_NEAR(best.gain, largest, 1e-14 * largest) << count;
    if (largest > 0) {
      EXPECT_NEAR(gain(best.at - 16), largest, 1e-14 * largest) << count;
    }
  }
}

}  // namespace
}  // namespace genrewise
