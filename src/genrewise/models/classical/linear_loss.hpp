// The penalised mean loss of linear scores and its minimiser, for logistic regression and linear SVMs.
#pragma once

#include <span>
#include <vector>

#include "genrewise/base/matrix.hpp"

namespace genrewise {

/// softmax: cross-entropy over all outputs. The others treat each output separately, the class against the rest.
enum class LinearLoss { softmax, logistic, squared_hinge };

/// Fitted weights: outputs x (columns + 1), intercepts in the last column.
struct LinearScores {
  std::size_t outputs = 0, columns = 0;
  std::vector<double> weights;
  int iterations = 0;  ///< of the minimiser

  /// rows x outputs, float.
  Matrix of(const Matrix& examples) const;
};

/// The output with the largest score; with one output: 1 where its score is above 0, else 0.
std::vector<int> decide_by_scores(const Matrix& scores);

struct LinearProblem {
  LinearLoss loss = LinearLoss::softmax;
  /// Factor of half the squared weights, added to the mean loss: 1 / (C * sum of the examples' weights).
  double penalty = 1;
  bool intercept = true;
  bool penalise_intercept = false;
  double tolerance = 1e-4;  ///< on the largest entry of the gradient of the mean loss plus penalty
  int max_iterations = 100;
};

/// Minimises by L-BFGS from zero, preconditioned by the Hessian there (for up to 8,192 columns), which is exact up to
/// the examples' weights. With more columns, and at most as many examples, it starts from the solution in the span of
/// the examples, which is nearly always optimal. `targets` holds each example's output; with one output, 1 is that
/// output and 0 the rest. `example_weights` may be empty. Losses are summed in double over float products.
LinearScores minimise_linear(const LinearProblem& problem, const Matrix& examples, std::span<const int> targets,
                             std::size_t outputs, std::span<const double> example_weights);

}  // namespace genrewise
