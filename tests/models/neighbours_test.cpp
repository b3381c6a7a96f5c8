// Neighbours found through inexact products equal those of an exhaustive search, for any data.
#include "genrewise/models/classical/neighbours.hpp"
#include "genrewise/base/runtime.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "genrewise/base/parallel.hpp"
#include "genrewise/base/random.hpp"
#include "support/every_target.hpp"

namespace genrewise {
namespace {

struct Case {
  const char* name;
  std::size_t rows, cols;
  void (*bend)(Matrix& rows, Rng& rng);
};

void leave(Matrix& /*rows*/, Rng& /*rng*/) {}

void duplicate(Matrix& rows, Rng& /*rng*/) {
  for (std::size_t i = 0; i < rows.rows(); ++i) std::ranges::copy(rows.row(i % 7), rows.row(i).begin());
}

/// Every row is the first plus a difference near the rounding of products in float.
void nearly_tie(Matrix& rows, Rng& rng) {
  for (std::size_t i = 1; i < rows.rows(); ++i)
    for (std::size_t j = 0; j < rows.cols(); ++j) rows(i, j) = rows(0, j) * static_cast<float>(1 + 1e-6 * rng.normal());
}

/// Outliers: single values, single rows and half of a column.
void throw_far_out(Matrix& rows, Rng& rng) {
  for (std::size_t i = 0; i < rows.rows(); i += 11) rows(i, i % rows.cols()) = 1e6f;
  for (std::size_t i = 5; i < rows.rows(); i += 17)
    for (float& value : rows.row(i)) value = static_cast<float>(1e6 * rng.normal());
  for (std::size_t i = 0; i < rows.rows(); i += 2) rows(i, 0) -= 1e4f;
}

/// Two spheres on opposite sides of the origin with queries at their centres: all norms are large, and distances differ
/// by less than products are rounded.
void surround_queries(Matrix& rows, Rng& rng) {
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const bool query = i + 30 >= rows.rows();
    double norm = 0;
    for (const float value : rows.row(i)) norm += std::pow(static_cast<double>(value), 2);
    const double radius = (query ? 1e-4 : 3) * (1 + 1e-7 * rng.normal());
    const double centre = i % 2 == 0 ? 60 : -60;
    for (float& value : rows.row(i))
      value = static_cast<float>(centre + static_cast<double>(value) / std::sqrt(norm) * radius);
  }
}

void make_constant(Matrix& rows, Rng& /*rng*/) {
  std::ranges::fill(rows.values(), 3.25f);
}

void make_some_constant(Matrix& rows, Rng& /*rng*/) {
  for (std::size_t i = 0; i < rows.rows(); i += 3) std::ranges::fill(rows.row(i), static_cast<float>(i % 5));
}

void make_tiny(Matrix& rows, Rng& /*rng*/) {
  for (float& value : rows.values()) value *= 1e-30f;
}

void make_huge(Matrix& rows, Rng& /*rng*/) {
  for (float& value : rows.values()) value *= 1e37f;
}

void move_away(Matrix& rows, Rng& /*rng*/) {
  for (float& value : rows.values()) value += 5000;
}

/// Magnitudes of all sizes, down to those that are negligible beside the largest.
void spread_out(Matrix& rows, Rng& /*rng*/) {
  for (std::size_t i = 0; i < rows.rows(); ++i)
    for (float& value : rows.row(i)) value *= std::pow(10.0f, static_cast<float>(i % 60) - 30);
}

void expect_exhaustive_search(const NeighbourIndex& index, const Matrix& points, const Matrix& queries) {
  const Neighbours every = index.find(queries, points.rows());  // no point can be excluded
  for (std::size_t i = 0; i < queries.rows(); ++i) {
    std::vector<bool> seen(points.rows());
    for (std::size_t n = i * points.rows(); n < (i + 1) * points.rows(); ++n) {
      double sum = 0;
      for (std::size_t c = 0; c < points.cols(); ++c)
        sum += std::pow(static_cast<double>(queries(i, c)) - static_cast<double>(points(every.index[n], c)), 2);
      ASSERT_NEAR(every.distance[n], std::sqrt(sum), 1e-12 * std::sqrt(sum));
      ASSERT_FALSE(seen[every.index[n]]);
      seen[every.index[n]] = true;
      if (n == i * points.rows()) continue;
      ASSERT_TRUE(every.distance[n - 1] < every.distance[n] ||
                  (every.distance[n - 1] == every.distance[n] && every.index[n - 1] < every.index[n]));
    }
  }
  for (const std::size_t k : {std::size_t{1}, std::size_t{2}, std::size_t{21}, points.rows() - 1}) {
    if (k > points.rows()) continue;
    const Neighbours found = index.find(queries, k);
    for (std::size_t i = 0; i < queries.rows(); ++i)
      for (std::size_t n = 0; n < k; ++n) {
        ASSERT_EQ(found.index[i * k + n], every.index[i * points.rows() + n]) << "k " << k << " query " << i;
        ASSERT_EQ(found.distance[i * k + n], every.distance[i * points.rows() + n]);
      }
  }
}

class NeighboursOf : public ::testing::TestWithParam<Case> {};

TEST_P(NeighboursOf, EqualAnExhaustiveSearch) {
  const Case& test = GetParam();
  Rng rng(11);
  Matrix all(test.rows + 30, test.cols);
  for (float& value : all.values()) value = static_cast<float>(rng.normal());
  test.bend(all, rng);
  Matrix points(test.rows, test.cols), queries(45, test.cols);
  std::ranges::copy(all.values().first(test.rows * test.cols), points.data());
  // The last queries are among the points.
  std::ranges::copy(all.values().subspan(test.rows * test.cols), queries.data());
  for (std::size_t i = 30; i < 45; ++i) std::ranges::copy(points.row(i * 7 % test.rows), queries.row(i).begin());

  testing::on_every_target(
      [&] { expect_exhaustive_search(NeighbourIndex(points, Metric::euclidean, 2), points, queries); });
}

INSTANTIATE_TEST_SUITE_P(
    Data, NeighboursOf,
    ::testing::Values(Case{"Plain", 700, 64, leave}, Case{"OddColumns", 333, 37, leave},
                      Case{"OneColumn", 500, 1, leave}, Case{"FewPoints", 3, 5, leave}, Case{"Wide", 90, 4097, leave},
                      Case{"Duplicates", 300, 20, duplicate}, Case{"NearTies", 300, 33, nearly_tie},
                      Case{"OnTwoSpheres", 700, 24, surround_queries}, Case{"Outliers", 600, 40, throw_far_out},
                      Case{"OutliersInOneColumn", 600, 1, throw_far_out}, Case{"AllEqual", 100, 9, make_constant},
                      Case{"ConstantRows", 200, 9, make_some_constant}, Case{"Tiny", 300, 24, make_tiny},
                      Case{"Huge", 300, 24, make_huge}, Case{"FarFromZero", 400, 50, move_away},
                      Case{"AllSizes", 300, 12, spread_out},
                      // Products of bytes select candidates where there are enough columns.
                      Case{"Bytes", 1000, 130, leave}, Case{"BytesInTwoTiles", 2100, 67, leave},
                      Case{"BytesOfDuplicates", 500, 64, duplicate}, Case{"BytesOfNearTies", 500, 97, nearly_tie},
                      Case{"BytesOnTwoSpheres", 700, 96, surround_queries},
                      Case{"BytesWithOutliers", 600, 140, throw_far_out},
                      Case{"BytesOfConstantRows", 500, 64, make_some_constant}, Case{"TinyBytes", 500, 70, make_tiny},
                      Case{"HugeBytes", 500, 70, make_huge}, Case{"BytesFarFromZero", 500, 70, move_away},
                      Case{"BytesOfAllSizes", 500, 72, spread_out}),
    [](const auto& test) { return test.param.name; });

TEST(Neighbours, DoNotDependOnTheNumberOfThreads) {
  Rng rng(4);
  Matrix points(900, 31), queries(500, 31);
  for (float& value : points.values()) value = static_cast<float>(rng.normal());
  for (float& value : queries.values()) value = static_cast<float>(rng.normal());
  const int budget = thread_budget();
  Runtime::current().set_threads(1);
  const Neighbours alone = NeighbourIndex(points, Metric::euclidean, 2).find(queries, 5);
  Runtime::current().set_threads(3);
  const Neighbours together = NeighbourIndex(points, Metric::euclidean, 2).find(queries, 5);
  Runtime::current().set_threads(budget);
  EXPECT_EQ(alone.index, together.index);
  EXPECT_EQ(alone.distance, together.distance);
}

TEST(Neighbours, AreThoseOfTheMetricThatIsNamed) {
  const Matrix points(3, 2, {3, 0, 2, 2, -1, 0}), query(1, 2, {0, 0});
  const auto find = [&](Metric metric, double p) { return NeighbourIndex(points, metric, p).find(query, 3); };
  const Neighbours manhattan = find(Metric::manhattan, 2);
  EXPECT_EQ(manhattan.index, (std::vector<std::size_t>{2, 0, 1}));
  EXPECT_EQ(manhattan.distance, (std::vector<double>{1, 3, 4}));
  EXPECT_EQ(find(Metric::minkowski, 1).distance, manhattan.distance);
  EXPECT_EQ(find(Metric::minkowski, 2).distance, (std::vector<double>{1, std::sqrt(8.0), 3}));
  EXPECT_NEAR(find(Metric::minkowski, 3).distance[1], std::cbrt(16.0), 1e-12);
  for (const double p : {500.0, 1e300}) {  // nearly the largest difference, whose power is infinite or 0
    const Neighbours found = find(Metric::minkowski, p);
    EXPECT_EQ(found.index, (std::vector<std::size_t>{2, 1, 0}));
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(found.distance[i], static_cast<double>(i + 1), 0.01) << p;
  }
}

TEST(Neighbours, ByTheCosineMetricAreTheSameWithAndWithoutBytes) {
  Rng rng(5);
  Matrix points(600, 90), queries(40, 90);
  for (float& value : points.values()) value = static_cast<float>(rng.normal());
  for (float& value : queries.values()) value = static_cast<float>(rng.normal());
  for (std::size_t i = 0; i < points.rows(); ++i)
    for (float& value : points.row(i)) value *= std::pow(10.0f, static_cast<float>(i % 20) - 10);
  testing::on_every_target([&] {
    const NeighbourIndex index(points, Metric::cosine, 2);
    const Neighbours every = index.find(queries, points.rows()), found = index.find(queries, 7);
    for (std::size_t i = 0; i < queries.rows(); ++i)
      for (std::size_t n = 0; n < 7; ++n)
        EXPECT_EQ(found.index[i * 7 + n], every.index[i * points.rows() + n]) << i << ' ' << n;
  });
}

TEST(Neighbours, ByTheCosineMetricAreTheSameForRowsOfAnyLength) {
  Rng rng(6);
  Matrix points(60, 4), queries(20, 4);
  for (float& value : points.values()) value = static_cast<float>(rng.normal());
  for (float& value : queries.values()) value = static_cast<float>(rng.normal());
  const auto scaled = [](Matrix rows, float by) {
    for (float& value : rows.values()) value *= by;
    return rows;
  };
  const Neighbours plain = NeighbourIndex(points, Metric::cosine, 2).find(queries, 5);
  for (const auto& [of_points, of_queries] : {std::pair(1e30f, 1e9f), {1e9f, 1e30f}, {1e-30f, 1.0f}, {1.0f, 1e-30f}})
    EXPECT_EQ(NeighbourIndex(scaled(points, of_points), Metric::cosine, 2).find(scaled(queries, of_queries), 5).index,
              plain.index)
        << of_points << ' ' << of_queries;
  const Matrix denormal = scaled(points, 1e-40f);
  const Neighbours own = NeighbourIndex(denormal, Metric::cosine, 2).find(denormal, 1);
  for (std::size_t i = 0; i < 60; ++i) EXPECT_NEAR(own.distance[i], 0, 1e-12);
}

TEST(Neighbours, ByTheCosineMetricDependOnDirectionsOnlyAndAreFarFromARowOfZeros) {
  const Matrix points(5, 2, {5, 0, 0, 0, 1, 1, -3, 0, 0, 0.1f}), query(2, 2, {2, 0, 0, 0});
  const Neighbours found = NeighbourIndex(points, Metric::cosine, 2).find(query, 5);
  EXPECT_EQ(std::vector(found.index.begin(), found.index.begin() + 5), (std::vector<std::size_t>{0, 2, 1, 4, 3}));
  const double expected[] = {0, 1 - std::sqrt(0.5), 1, 1, 2};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(found.distance[i], expected[i], 1e-12) << i;
  for (std::size_t i = 5; i < 10; ++i) EXPECT_EQ(found.distance[i], 1) << i;
}

}  // namespace
}  // namespace genrewise
