// Primal Newton solver of a binary support vector machine with a linear kernel.
#pragma once

#include <span>

#include "genrewise/models/classical/active_set.hpp"
#include "genrewise/models/classical/blas.hpp"

namespace genrewise {

/// Solves the problem of solve_smo() for K = X X^T, X being the rows of `first` and then those of `second`, without
/// computing K: for many more examples than columns, where n x n values and pairwise steps are too many. `bound` has
/// one value per row; a row with bound 0 is ignored.
///
/// The hinge loss of the primal problem is smoothed (Huberised), so Newton steps for the weights and the offset with an
/// exact line search always converge; its width shrinks in stages (smoothing.hpp) until the solution satisfies the
/// unsmoothed problem within libsvm's tolerance. A round costs columns^3 / 3 and a few passes over the rows.
///
/// The returned point always satisfies the bounds and sum beta = 0, and its products are consistent with it; the caller
/// must check whether it is within the tolerance.
DualPoint solve_linear_by_newton(blas::View<const float> first, blas::View<const float> second,
                                 std::span<const double> bound, double tolerance);

}  // namespace genrewise
