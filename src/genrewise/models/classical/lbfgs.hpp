// Minimisation of a smooth function of many variables.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace genrewise {

struct LbfgsConfig {
  int max_iterations = 100;
  double tolerance = 1e-4;  ///< stops when no entry of the gradient is larger in magnitude
  int memory = 10;          ///< number of curvature pairs kept
};

/// Returns the function's value at x and writes its gradient.
using Objective = std::function<double(std::span<const double> x, std::span<double> gradient)>;
/// Multiplies in place by an approximation of the inverse Hessian (positive definite).
using Preconditioner = std::function<void(std::span<double>)>;

/// Limited-memory BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4) with a bisection line search for the
/// weak Wolfe conditions (Lewis and Overton, 2013). Stops early when rounding leaves no step that decreases the
/// function. `x` is start and result. Returns the number of iterations.
int minimise(const Objective& objective, const Preconditioner& preconditioner, const LbfgsConfig& config,
             std::vector<double>& x);

}  // namespace genrewise
