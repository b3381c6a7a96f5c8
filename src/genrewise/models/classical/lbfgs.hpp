// Minimising a smooth function of many numbers.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace genrewise {

struct LbfgsConfig {
  int max_iterations = 100;
  double tolerance = 1e-4;  ///< stops when no entry of the gradient is larger
  int memory = 10;          ///< pairs of steps kept
};

/// The function's value at x; writes its gradient.
using Objective = std::function<double(std::span<const double> x, std::span<double> gradient)>;
/// Multiplies in place by a guess at the inverse of the Hessian (positive definite).
using Preconditioner = std::function<void(std::span<double>)>;

/// Limited-memory BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4) with a line search that brackets and
/// halves until the weak Wolfe conditions hold (Lewis and Overton, 2013). Ends early when rounding leaves no step that
/// decreases the function. `x` is start and result. Returns the number of iterations.
int minimise(const Objective& objective, const Preconditioner& preconditioner, const LbfgsConfig& config,
             std::vector<double>& x);

}  // namespace genrewise
