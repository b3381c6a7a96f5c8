// Sequential minimal optimisation for the dual problem of a binary support vector machine.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "genrewise/models/classical/active_set.hpp"
#include "genrewise/models/classical/kernel.hpp"

namespace genrewise {

struct SmoConfig {
  double tolerance = 1e-3;    ///< on the violation of the KKT conditions, as libsvm's
  bool is_positive = true;    ///< the kernel is positive semi-definite (up to rounding)
  long long most_steps = -1;  ///< -1 or 0: libsvm's limit of 10 million or 100 per example, whichever is larger
  /// For a positive semi-definite kernel: solves the whole problem in another way when pairwise steps are too many;
  /// false if it cannot. Empty: the active-set solver.
  std::function<bool(DualPoint& point)> take_over = {};
};

struct SmoResult {
  std::vector<double> alpha;     ///< per example, 0 <= alpha <= its bound
  std::vector<double> decision;  ///< sum_j alpha_j y_j K_ij - rho, for every example
  double rho = 0;
  long long steps = 0;
};

/// Minimises 1/2 sum_ij alpha_i alpha_j y_i y_j K_ij - sum_i alpha_i subject to sum_i alpha_i y_i = 0 and
/// 0 <= alpha_i <= bound_i by sequential minimal optimisation with working-set selection by second-order information
/// (Fan, Chen and Lin, 2005). y is +1 for the first `first_count` examples and -1 for the others.
///
/// Most problems are solved after about as many steps as there are examples. Later steps concern few examples: they are
/// made in blocks of the most violating and the free examples, whose part of the kernel matrix stays in the cache, and
/// the other examples are updated after each block (Joachims 1998). After still more work, another solver takes over
/// where the kernel is positive semi-definite. An example with bound 0 is ignored but gets its decision value, so
/// cross-validation can share the kernel. `start` is a feasible point for a warm start.
SmoResult solve_smo(PairKernel& kernel, std::size_t first_count, std::span<const double> bound, const SmoConfig& config,
                    const DualPoint* start = nullptr);

}  // namespace genrewise
