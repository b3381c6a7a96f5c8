// Probabilities from the decision values of one-vs-one machines.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/matrix.hpp"

namespace genrewise {

class TensorArchive;

/// P(first class | decision value d) = 1 / (1 + exp(slope * d + offset)).
struct Sigmoid {
  double slope = 0, offset = 0;
  double operator()(double decision) const;
};

/// Platt's maximum-likelihood fit, with his smoothed targets, by the Newton method of Lin, Lin and Weng (2007). The
/// first `first_count` decision values belong to the first class.
Sigmoid fit_sigmoid(std::span<const double> decisions, std::size_t first_count);

void save_sigmoids(const std::vector<Sigmoid>& sigmoids, TensorArchive& archive, const std::string& prefix);
std::vector<Sigmoid> load_sigmoids(std::size_t count, const TensorArchive& archive, const std::string& prefix);

/// Class probabilities p that fit the pairwise ones best: min sum_ij (r_ji p_i - r_ij p_j)^2 (Wu, Lin and Weng 2004,
/// second method). `pairwise` is classes x classes: r(i, j) = P(i | i or j).
void couple_pairwise(const Matrix& pairwise, std::span<float> probabilities);

}  // namespace genrewise
