// The dual problem of one binary support vector machine with a linear kernel, solved among its columns.
#pragma once

#include <span>

#include "genrewise/models/classical/active_set.hpp"
#include "genrewise/models/classical/blas.hpp"

namespace genrewise {

/// Solves the problem of solve_smo() for K = X X^T, X being the rows of `first` and then those of `second`, without
/// K: for many more examples than columns, of which n x n numbers and pairwise steps are too many. `bound` has one
/// number per row; whose bound is 0 takes no part.
///
/// The primal problem's hinge is smoothed (Huberised), so that Newton steps for the weights and the offset, each with
/// an exact line search, always come to an end; its width shrinks in stages (smoothing.hpp) until the solution is one
/// of the sharp problem within libsvm's tolerance. A round costs columns^3 / 3 and a few passes over the rows.
///
/// The point is always one that the bounds and sum beta = 0 allow, and its products belong to it; whether it is within
/// the tolerance is for the caller to see.
DualPoint solve_linear_by_newton(blas::View<const float> first, blas::View<const float> second,
                                 std::span<const double> bound, double tolerance);

}  // namespace genrewise
