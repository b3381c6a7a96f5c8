// Primal-dual active-set solver for the dual problem of a binary support vector machine.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "genrewise/models/classical/kernel.hpp"

namespace genrewise {

/// beta_i = y_i alpha_i of every example, and K beta.
struct DualPoint {
  std::vector<double> beta, products;
  long long steps = 0;  ///< of the solver that found it
};

/// libsvm's violation of the KKT conditions: the largest f - y among examples whose beta may decrease, less the
/// smallest among those whose beta may increase.
double violation(const DualPoint& point, std::size_t first_count, std::span<const double> bound);

/// Solves the problem of solve_smo() for a positive semi-definite K with the smoothed (Huberised) hinge loss, whose
/// width shrinks in stages (smoothing.hpp). Each example is either in the quadratic zone of the loss or at a bound;
/// Newton steps for the zone determine which examples change region (Hintermueller, Ito and Kunisch 2002).
///
/// If `point` is all zeros, starts from a wide zone that contains all examples; otherwise from the regions at `point`
/// and the last width. Returns false, with `point` unchanged, when the method does not converge.
bool solve_by_active_sets(PairKernel& kernel, std::size_t first_count, std::span<const double> bound, double tolerance,
                          DualPoint& point);

}  // namespace genrewise
