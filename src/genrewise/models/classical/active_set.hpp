// The dual problem of one binary support vector machine by primal-dual active sets.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "genrewise/models/classical/kernel.hpp"

namespace genrewise {

/// The matrix K of a dual problem as the method needs it, from the rows of a kernel matrix.
class KernelForm {
 public:
  KernelForm(PairKernel& kernel, std::size_t first_count, std::size_t size)
      : kernel_(kernel), first_count_(first_count), size_(size) {}
  double mean_diagonal();
  /// products += K d for a d that is 0 but at `places`.
  void add_product(std::span<const std::size_t> places, std::span<const double> d, std::span<double> products);
  /// Solves (K + diag(ridge)) x = b among `places` for each of the right sides, in place. False when that is not
  /// positive definite, or too large to be worth it.
  bool solve(std::span<const std::size_t> places, std::span<const double> ridge,
             std::span<std::vector<double>> right_sides);

 private:
  PairKernel& kernel_;
  std::size_t first_count_, size_;
};

/// y_i alpha_i of every example, and K times it.
struct DualPoint {
  std::vector<double> beta, products;
};

/// libsvm's measure of how far a point is from the optimality conditions: the largest f - y of those whose beta may
/// shrink, less the smallest of those whose beta may grow.
double violation(const DualPoint& point, std::size_t first_count, std::span<const double> bound);

/// Solves the problem of solve_smo() for a positive semi-definite K on the smoothed (Huberised) hinge, whose width
/// shrinks in stages (smoothing.hpp). Each example lies either in the hinge's zone or at one of its bounds, and a
/// Newton step for the zone says which examples change (Hintermueller, Ito and Kunisch 2002).
///
/// Where `point` is all zeros it starts from a wide h with all examples in the zone, else with the places that they
/// have at `point` and the last h. False, and `point` as it was, when that does not come to an end.
bool solve_by_active_sets(KernelForm& form, std::size_t first_count, std::span<const double> bound, double tolerance,
                          DualPoint& point);

}  // namespace genrewise
