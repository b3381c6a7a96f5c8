// Shared helpers of the tests of classifiers.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "genrewise/base/random.hpp"
#include "genrewise/models/classifier.hpp"
#include "support/golden.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {

/// Normal clusters whose centres have `spread` standard deviations per dimension, and their labels.
struct Clusters {
  Matrix examples;
  std::vector<int> labels;
};

inline Clusters make_clusters(std::size_t rows, std::size_t cols, int classes, double spread, std::uint64_t seed = 1) {
  Rng rng(seed);
  Matrix centres(static_cast<std::size_t>(classes), cols);
  for (float& value : centres.values()) value = static_cast<float>(spread * rng.normal());
  Clusters clusters{Matrix(rows, cols), {}};
  for (std::size_t i = 0; i < rows; ++i) {
    const auto label = i % static_cast<std::size_t>(classes);
    clusters.labels.push_back(static_cast<int>(label));
    for (std::size_t j = 0; j < cols; ++j)
      clusters.examples(i, j) = centres(label, j) + static_cast<float>(rng.normal());
  }
  return clusters;
}

inline double share_equal(const std::vector<int>& a, const std::vector<int>& b) {
  EXPECT_EQ(a.size(), b.size());
  std::size_t equal = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) equal += a[i] == b[i];
  return static_cast<double>(equal) / static_cast<double>(a.size());
}

inline double largest_difference(const Matrix& a, const Matrix& b) {
  EXPECT_EQ(a.rows(), b.rows());
  EXPECT_EQ(a.cols(), b.cols());
  double largest = 0;
  for (std::size_t i = 0; i < a.values().size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a.values()[i]) - static_cast<double>(b.values()[i])));
  return largest;
}

inline double mean_difference(const Matrix& a, const Matrix& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.values().size(); ++i)
    sum += std::abs(static_cast<double>(a.values()[i]) - static_cast<double>(b.values()[i]));
  return sum / static_cast<double>(a.values().size());
}

}  // namespace genrewise::testing
