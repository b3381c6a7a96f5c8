#include "genrewise/models/preprocessing.hpp"
#include "genrewise/base/runtime.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "classifier_support.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;
using testing::largest_difference;
using testing::make_clusters;

/// Rows in three directions with standard deviations 5, 2 and 1, and a little noise.
Matrix correlated(std::size_t rows, std::size_t cols) {
  Rng rng(3);
  Matrix directions(3, cols), table(rows, cols);
  for (float& value : directions.values()) value = static_cast<float>(rng.normal());
  for (std::size_t i = 0; i < rows; ++i) {
    const double weights[3] = {5 * rng.normal(), 2 * rng.normal(), rng.normal()};
    for (std::size_t j = 0; j < cols; ++j) {
      double value = 10 + 0.01 * rng.normal();
      for (std::size_t k = 0; k < 3; ++k) value += weights[k] * directions(k, j);
      table(i, j) = static_cast<float>(value);
    }
  }
  return table;
}

TEST(Preprocessing, BringsColumnsToMeanZeroAndVarianceOne) {
  Matrix table = make_clusters(500, 4, 3, 2.0).examples;
  for (std::size_t i = 0; i < table.rows(); ++i) table(i, 1) = table(i, 1) * 1000 + 5e5f;
  Preprocessor scaler(PreprocessingConfig{});
  scaler.fit(table);
  const Matrix scaled = scaler.transform(table);
  for (std::size_t j = 0; j < table.cols(); ++j) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < table.rows(); ++i) {
      sum += scaled(i, j);
      squares += scaled(i, j) * scaled(i, j);
    }
    EXPECT_NEAR(sum / 500, 0, 1e-5);
    EXPECT_NEAR(squares / 500, 1, 1e-4);
  }
}

TEST(Preprocessing, TurnsConstantColumnsToZero) {
  Matrix table(50, 2);
  for (std::size_t i = 0; i < 50; ++i) {
    table(i, 0) = 0.1f;
    table(i, 1) = static_cast<float>(i);
  }
  Preprocessor scaler(PreprocessingConfig{});
  scaler.fit(table);
  EXPECT_EQ(scaler.scale()[0], 1);
  const Matrix scaled = scaler.transform(table);
  for (std::size_t i = 0; i < 50; ++i) EXPECT_NEAR(scaled(i, 0), 0, 1e-7);
}

/// The numbers are table + offset, in tables that have other offsets.
TEST(Preprocessing, GivesTheSameResultForAnyOffsetsOfTheSameNumbers) {
  const Matrix table = make_clusters(60, 2, 3, 2.0).examples;
  Matrix shifted = table;
  for (std::size_t i = 0; i < table.rows(); ++i) shifted(i, 1) -= 0.5f;
  const std::vector<double> far = {0, 1e8}, farther = {0, 1e8 + 0.5};
  for (const bool standardise : {true, false}) {
    for (const std::size_t components : {0u, 2u}) {
      Preprocessor plain(PreprocessingConfig{.standardise = standardise, .pca_components = components}), offset = plain;
      plain.fit(table);
      offset.fit(table, far);
      EXPECT_EQ(offset.mean()[1], (standardise ? plain.mean()[1] : 0) + 1e8);
      const Matrix expected = plain.transform(table);
      EXPECT_LT(largest_difference(offset.transform(table, far), expected), 2e-6);
      EXPECT_LT(largest_difference(offset.transform(shifted, farther), expected), 2e-6);
      TensorArchive archive("x");
      offset.save(archive, "p.");
      Preprocessor loaded;
      loaded.load(archive, "p.");
      EXPECT_EQ(loaded.transform(shifted, farther), offset.transform(shifted, farther));
    }
  }
  EXPECT_LT(largest_difference(Preprocessor().transform(shifted, std::vector<double>{0, 0.5}), table), 2e-6);
}

TEST(Preprocessing, ChangesNothingByDefault) {
  const Matrix table = make_clusters(5, 3, 2, 1).examples;
  EXPECT_EQ(Preprocessor().transform(table), table);
}

TEST(Preprocessing, FindsTheSameComponentsWithAllSolvers) {
  for (const auto& [rows, cols] : {std::pair<std::size_t, std::size_t>{300, 20}, {20, 300}}) {
    const Matrix table = correlated(rows, cols);
    Preprocessor exact({.standardise = false, .pca_components = 3, .pca_solver = PcaSolver::exact});
    Preprocessor random({.standardise = false, .pca_components = 3, .pca_solver = PcaSolver::randomised});
    exact.fit(table);
    random.fit(table);
    EXPECT_LT(largest_difference(exact.components(), random.components()), 1e-3);
    const auto& share = exact.explained_variance_ratio();
    EXPECT_NEAR(std::reduce(share.begin(), share.end()), 1, 1e-3);
    EXPECT_GT(share[0], share[1]);
    EXPECT_EQ(exact.transform(table).cols(), 3);
    EXPECT_EQ(exact.output_columns(), 3);
    EXPECT_EQ(exact.input_columns(), cols);
  }
}

TEST(Preprocessing, KeepsEnoughComponentsForTheVariance) {
  Preprocessor most({.standardise = false, .pca_variance = 0.999});
  most.fit(correlated(300, 20));
  EXPECT_EQ(most.output_columns(), 3);
  Preprocessor some({.standardise = false, .pca_variance = 0.5});
  some.fit(correlated(300, 20));
  EXPECT_EQ(some.output_columns(), 1);
}

TEST(Preprocessing, WhitensComponents) {
  const Matrix table = correlated(400, 10);
  Preprocessor whitening({.pca_components = 3, .pca_whiten = true});
  whitening.fit(table);
  const Matrix white = whitening.transform(table);
  for (std::size_t k = 0; k < 3; ++k) {
    double squares = 0;
    for (std::size_t i = 0; i < white.rows(); ++i) squares += white(i, k) * white(i, k);
    EXPECT_NEAR(squares / 399, 1, 1e-3);
  }
}

TEST(Preprocessing, IsReproducibleForAnyNumberOfThreads) {
  const Matrix table = correlated(700, 30);
  const int before = thread_budget();
  std::vector<Matrix> results;
  for (int threads : {1, 3}) {
    Runtime::current().set_threads(threads);
    Preprocessor preprocessor({.pca_components = 5, .pca_solver = PcaSolver::randomised});
    preprocessor.fit(table);
    results.push_back(preprocessor.transform(table));
  }
  Runtime::current().set_threads(before);
  EXPECT_EQ(results[0], results[1]);
}

TEST(Preprocessing, RefusesInvalidConfigurationsAndData) {
  using Config = PreprocessingConfig;
  EXPECT_THAT(error_message([] { Preprocessor(Config{.pca_components = 2, .pca_variance = 0.5}); }),
              HasSubstr("exclude"));
  EXPECT_THAT(error_message([] { Preprocessor(Config{.pca_variance = 1.5}); }), HasSubstr("between 0 and 1"));
  EXPECT_THAT(error_message([] { Preprocessor(Config{}).fit(Matrix()); }), HasSubstr("no examples to fit on"));
  EXPECT_THAT(error_message([] { Preprocessor(Config{.pca_components = 4}).fit(Matrix(3, 10)); }),
              HasSubstr("at most 3"));
  EXPECT_THAT(error_message([] { Preprocessor(Config{}).transform(Matrix(3, 2)); }), HasSubstr("not been fitted"));
  EXPECT_THAT(error_message([] {
                Matrix table(3, 2);
                table(2, 1) = std::numeric_limits<float>::infinity();
                Preprocessor(Config{}).fit(table);
              }),
              HasSubstr("row 2, column 1"));
  EXPECT_THAT(error_message([] {
                Preprocessor fitted{Config{}};
                fitted.fit(make_clusters(9, 2, 2, 1).examples);
                fitted.transform(Matrix(1, 3));
              }),
              HasSubstr("fitted on 2 columns"));
}

TEST(Preprocessing, RefusesMoreEigenvectorsThanLapackCounts) {
  std::vector<double> none;
  EXPECT_THAT(error_message([&] { blas::eigen_symmetric(none, 40'000); }), HasSubstr("request their number"));
}

TEST(Preprocessing, RoundTripsThroughAnArchive) {
  const Matrix table = correlated(40, 8);
  for (const PreprocessingConfig& config : {PreprocessingConfig{}, PreprocessingConfig{.standardise = false},
                                            PreprocessingConfig{.pca_components = 2, .pca_whiten = true, .seed = 9}}) {
    Preprocessor preprocessor(config);
    preprocessor.fit(table);
    TensorArchive archive;
    preprocessor.save(archive, "p.");
    Preprocessor back;
    back.load(TensorArchive::parse(archive.serialise(), "x"), "p.");
    EXPECT_EQ(back.config(), config);
    EXPECT_EQ(back.transform(table), preprocessor.transform(table));
    EXPECT_EQ(back.explained_variance_ratio(), preprocessor.explained_variance_ratio());
  }
}

}  // namespace
}  // namespace genrewise
