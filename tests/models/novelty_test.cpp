#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "classifier_support.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/models/confidence.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

std::vector<std::size_t> all_rows(const Matrix& table) {
  std::vector<std::size_t> rows(table.rows());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

Novelty fitted(const Matrix& table, std::span<const double> offsets = {}) {
  Novelty novelty;
  novelty.fit(table, all_rows(table), offsets, kDefaultSeed);
  return novelty;
}

/// Two columns of variance 1 and 4 with the correlation 0.8, around (10, -3).
Matrix correlated(std::size_t rows, std::uint64_t seed) {
  Rng rng(seed);
  Matrix table(rows, 2);
  for (std::size_t i = 0; i < rows; ++i) {
    const double x = rng.normal(), y = 0.8 * x + 0.6 * rng.normal();
    table(i, 0) = static_cast<float>(10 + x), table(i, 1) = static_cast<float>(-3 + 2 * y);
  }
  return table;
}

TEST(Novelty, IsTheMahalanobisDistanceWhereAllComponentsAreKept) {
  const Novelty novelty = fitted(correlated(20'000, 1));
  for (const auto& [x, y] : {std::pair(1.0, 1.0), {2.0, 0.0}, {-1.0, 2.0}, {0.0, 0.0}}) {
    const Matrix row(1, 2, {static_cast<float>(10 + x), static_cast<float>(-3 + 2 * y)});
    const double squared = (x * x - 2 * 0.8 * x * y + y * y) / (1 - 0.8 * 0.8);
    EXPECT_NEAR(novelty.distances(row)[0], std::sqrt(squared / 2), 0.05);
  }
}

TEST(Novelty, FindsWhatDiffersInDirectionsWithoutAComponent) {
  const auto table = testing::make_clusters(200, 60, 3, 1.0).examples;
  Novelty novelty = fitted(table);
  const auto others = testing::make_clusters(200, 60, 3, 1.0, 1).examples;
  novelty.set_limit(novelty.distances(others));
  Matrix strange = table;
  for (std::size_t i = 0; i < strange.rows(); ++i)
    for (std::size_t j = i % 2; j < 60; j += 2) strange(i, j) += j % 4 < 2 ? 4.0F : -4.0F;
  const auto near = novelty.distances(table), far = novelty.distances(strange);
  EXPECT_LE(std::ranges::count_if(near, [](double distance) { return distance > 1; }), 2);
  EXPECT_EQ(std::ranges::count_if(far, [](double distance) { return distance > 1; }), 200);
}

TEST(Novelty, IsTheSameForATableWithOffsets) {
  const Matrix table = correlated(50, 2), others = correlated(20, 3);
  const std::vector<double> offsets = {1e8, -5};
  const auto without = fitted(table).distances(others), with = fitted(table, offsets).distances(others, offsets);
  for (std::size_t i = 0; i < others.rows(); ++i) EXPECT_NEAR(with[i], without[i], 1e-4);
}

TEST(Novelty, IsFiniteForConstantColumnsASingleExampleAndNumbersThatOverflow) {
  Matrix constant(5, 3, std::vector<float>(15, 2.0F));
  for (const Matrix& table : {constant, constant.select_rows(std::vector<std::size_t>{0}), correlated(3, 1)}) {
    const Novelty novelty = fitted(table);
    Matrix rows(3, table.cols());
    std::ranges::copy(table.row(0), rows.row(0).begin());
    for (float& value : rows.row(1)) value = 3e38F;
    for (float& value : rows.row(2)) value = 1;
    const auto distances = novelty.distances(rows);
    for (const double distance : distances) EXPECT_TRUE(distance >= 0 && distance <= 1e6) << distance;
    EXPECT_EQ(distances[1], 1e6);
    EXPECT_LT(distances[0], 3);
  }
}

TEST(Novelty, OfASingleColumnComesBackFromAnArchive) {  // its component explains all variance, and rounding more
  Rng rng(1);
  for (int i = 0; i < 20; ++i) {
    Matrix table(30, 1);
    for (float& value : table.values()) value = static_cast<float>(rng.normal());
    TensorArchive archive("m.gwm");
    fitted(table).save(archive, "n.");
    Novelty loaded;
    loaded.load(archive, "n.", 1);
    EXPECT_NEAR(loaded.distances(Matrix(1, 1, {3.0F}))[0], fitted(table).distances(Matrix(1, 1, {3.0F}))[0], 1e-12);
  }
}

TEST(Novelty, ComesBackFromAnArchiveWithTheSameDistances) {
  Novelty novelty = fitted(correlated(100, 1));
  const Matrix others = correlated(20, 2);
  novelty.set_limit(novelty.distances(others));
  TensorArchive archive("m.gwm");
  novelty.save(archive, "n.");
  Novelty loaded;
  EXPECT_FALSE(loaded.is_fitted());
  loaded.load(archive, "n.", 2);
  EXPECT_EQ(loaded.distances(others), novelty.distances(others));
  EXPECT_THROW(loaded.load(archive, "n.", 3), Error);
  archive.put("n.config", std::vector<std::int64_t>{2});
  EXPECT_THROW(loaded.load(archive, "n.", 2), Error);
}

TEST(Novelty, WithoutComponentsIsRefused) {
  TensorArchive archive("m.gwm");
  fitted(correlated(100, 1)).save(archive, "n.");
  auto config = archive.integers("n.components.config", 6);
  config[1] = 0;  // their number
  archive.put("n.components.config", config);
  Novelty loaded;
  EXPECT_THROW(loaded.load(archive, "n.", 2), Error);
}

}  // namespace
}  // namespace genrewise
