// The dual problem of one binary support vector machine.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "genrewise/models/classical/active_set.hpp"
#include "genrewise/models/classical/kernel.hpp"

namespace genrewise {

struct SmoConfig {
  double tolerance = 1e-3;    ///< on the violation of the optimality conditions, as libsvm's
  bool is_positive = true;    ///< the kernel is positive semi-definite (but for rounding)
  long long most_steps = -1;  ///< -1: as many as it takes (with libsvm's guard: 10 million or 100 per example)
};

struct SmoResult {
  std::vector<double> alpha;     ///< per example, 0 <= alpha <= its bound
  std::vector<double> decision;  ///< sum_j alpha_j y_j K_ij - rho, for every example
  double rho = 0;
  long long steps = 0;
};

/// Minimises 1/2 sum_ij alpha_i alpha_j y_i y_j K_ij - sum_i alpha_i under sum_i alpha_i y_i = 0 and
/// 0 <= alpha_i <= bound_i by sequential minimal optimisation with working sets chosen by second-order information
/// (Fan, Chen and Lin, 2005). y is +1 for the first `first_count` examples and -1 for the others. What it has not
/// settled after as many steps as there are examples is settled by active sets, where the kernel is positive. An
/// example whose bound is 0 takes no part, but gets its decision value: that is how cross-validation shares the kernel.
/// With `start`, a point within the bounds, it goes on from there.
SmoResult solve_smo(PairKernel& kernel, std::size_t first_count, std::span<const double> bound, const SmoConfig& config,
                    const DualPoint* start = nullptr);

}  // namespace genrewise
