// How far an example is from those that a model was trained on.
//
//     const bool unlike_training = model.novelty.distances(features)[0] > 1;
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/matrix.hpp"
#include "genrewise/models/preprocessing.hpp"

namespace genrewise {

/// Mahalanobis distance from the training examples under probabilistic principal components (Tipping and Bishop, 1999):
/// the covariance of the standardised columns, with the eigenvalues after the first ones replaced by their mean.
/// Default-constructed: none.
class Novelty {
 public:
  /// Fits on these rows of a table, on a sample of them (drawn by the seed) above 2^25 numbers. `offsets` as in
  /// FeatureTable.
  void fit(const Matrix& table, std::span<const std::size_t> rows, std::span<const double> offsets, std::uint64_t seed);
  bool is_fitted() const { return standardise_.input_columns() > 0; }

  /// Of each row, in units of the limit: above 1 it is farther from the training examples than nearly all held-out
  /// ones.
  std::vector<double> distances(const Matrix& examples, std::span<const double> offsets = {}) const;
  /// Sets the limit to this quantile of distances of held-out examples, which are in units of the present limit (at
  /// first 1).
  void set_limit(std::vector<double> held_out, double quantile);

  /// As Confidence's.
  void save(TensorArchive& archive, const std::string& prefix) const;
  void load(const TensorArchive& archive, const std::string& prefix, std::size_t columns);

 private:
  Preprocessor standardise_, components_;  // the second is fitted on the output of the first
  double limit_ = 1;
};

}  // namespace genrewise
