// The penalised mean loss of linear scores, and its minimiser: what logistic regression and linear machines share.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "genrewise/base/matrix.hpp"

namespace genrewise {

/// softmax: cross-entropy over all outputs together. The others treat each output by itself, the class against the
/// rest.
enum class LinearLoss { softmax, logistic, squared_hinge };

/// outputs x (columns + 1), the last column the intercepts.
struct LinearScores {
  std::size_t outputs = 0, columns = 0;
  std::vector<double> weights;

  /// rows x outputs, float.
  Matrix of(const Matrix& examples) const;
};

/// The output with the largest score; of one output: 1 where its score is above 0, else 0.
std::vector<int> decide_by_scores(const Matrix& scores);

struct LinearProblem {
  LinearLoss loss = LinearLoss::softmax;
  double penalty = 1;  ///< on half the squared weights, beside the mean loss: 1 / (C * sum of the examples' weights)
  bool intercept = true;
  bool penalise_intercept = false;
  double tolerance = 1e-4;  ///< on the largest entry of the gradient of the mean loss plus penalty
  int max_iterations = 100;
};

/// Minimises by L-BFGS from zero, preconditioned by the Hessian there (for up to 8,192 columns), which is
/// exact but for the examples' weights. Of more columns, where there are at most as many examples, it starts from the
/// solution in the space that the examples span, which is nearly always the end. `targets` holds each example's output;
/// with one output, 1 is that output and 0 the rest. `example_weights` may be empty. Losses are summed in double over
/// products in float.
LinearScores minimise_linear(const LinearProblem& problem, const Matrix& examples, std::span<const int> targets,
                             std::size_t outputs, std::span<const double> example_weights);

}  // namespace genrewise
