#include "genrewise/models/classical/linear_loss.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"

namespace genrewise {
namespace {

using blas::Form;
using blas::View;

constexpr std::size_t kRowBlock = 512;
constexpr std::size_t kLargestPreconditioner = 8192;  // a side; 1.6 GB during its computation
constexpr double kJitter = 1e-6;                      // of the mean diagonal: above the rounding of float products
constexpr double kSufficientDecrease = 1e-4;
constexpr double kCurvature = 0.9;
constexpr double kRounding = 1e-7;  // relative, of function values computed in float
constexpr int kLineSearchSteps = 30;
constexpr std::size_t kMemory = 10;  // curvature pairs that are kept

/// Returns the function's value at x and writes its gradient.
using Objective = std::function<double(std::span<const double> x, std::span<double> gradient)>;
/// Multiplies in place by an approximation of the inverse Hessian (positive definite).
using Preconditioner = std::function<void(std::span<double>)>;

double largest_entry(std::span<const double> values) {
  double largest = 0;
  for (double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

struct Pair {
  std::vector<double> step, change;  // differences of x and of the gradient
  double inverse_product;
};

struct Point {
  std::vector<double> x, gradient;
  double value = 0;
};

/// The two-loop recursion: -H * gradient.
std::vector<double> direction(const std::deque<Pair>& pairs, const Preconditioner& preconditioner,
                              const std::vector<double>& gradient) {
  std::vector<double> d = gradient, weights(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    weights[i] = pairs[i].inverse_product * blas::dot(pairs[i].step, d);
    for (std::size_t k = 0; k < d.size(); ++k) d[k] -= weights[i] * pairs[i].change[k];
  }
  double scale = 1;
  if (!pairs.empty()) {
    std::vector<double> z = pairs.back().change;
    preconditioner(z);
    scale = 1 / (pairs.back().inverse_product * blas::dot(pairs.back().change, z));
  }
  preconditioner(d);
  for (double& value : d) value *= scale;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double weight = weights[i] - pairs[i].inverse_product * blas::dot(pairs[i].change, d);
    for (std::size_t k = 0; k < d.size(); ++k) d[k] += weight * pairs[i].step[k];
  }
  for (double& value : d) value = -value;
  return d;
}

/// Sufficient decrease: Armijo's condition or, where the value differs from the start's by rounding only, its
/// approximate form in slopes (Hager and Zhang, 2005).
bool decreases_enough(const Point& from, const Point& to, double step, double slope, double slope_there) {
  if (to.value <= from.value + kSufficientDecrease * step * slope) return true;
  return to.value <= from.value + kRounding * std::abs(from.value) &&
         slope_there <= (2 * kSufficientDecrease - 1) * slope;
}

/// Moves `to` along d from `from` until the Wolfe conditions hold; false when no step decreases the function.
bool line_search(const Objective& objective, const Point& from, std::span<const double> d, Point& to) {
  const double slope = blas::dot(from.gradient, d);
  if (!(slope < 0)) return false;
  double least = 0, most = std::numeric_limits<double>::infinity(), step = 1;
  for (int i = 0; i < kLineSearchSteps; ++i) {
    for (std::size_t k = 0; k < d.size(); ++k) to.x[k] = from.x[k] + step * d[k];
    to.value = objective(to.x, to.gradient);
    const double slope_there = blas::dot(to.gradient, d);
    if (!decreases_enough(from, to, step, slope, slope_there)) {
      most = step;
    } else if (slope_there < kCurvature * slope) {
      least = step;
    } else {
      return true;
    }
    step = std::isinf(most) ? 2 * least : (least + most) / 2;
  }
  return to.value < from.value;
}

/// Limited-memory BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4) with a bisection line search for the
/// weak Wolfe conditions (Lewis and Overton, 2013). Stops early when rounding leaves no step that decreases the
/// function. `x` is start and result. Returns the number of iterations.
int minimise(const Objective& objective, const Preconditioner& preconditioner, const LinearProblem& problem,
             std::vector<double>& x) {
  Point here{x, std::vector<double>(x.size())};
  here.value = objective(here.x, here.gradient);
  Point next = here;
  std::deque<Pair> pairs;
  int iteration = 0;
  for (; iteration < problem.max_iterations && largest_entry(here.gradient) > problem.tolerance; ++iteration) {
    throw_if_interrupted();
    if (!line_search(objective, here, direction(pairs, preconditioner, here.gradient), next)) {
      if (pairs.empty()) break;
      pairs.clear();  // the curvature pairs mislead: restart from the preconditioned gradient
      continue;
    }
    Pair pair{next.x, next.gradient, 0};
    for (std::size_t k = 0; k < x.size(); ++k) {
      pair.step[k] -= here.x[k];
      pair.change[k] -= here.gradient[k];
    }
    std::swap(here, next);
    const double product = blas::dot(pair.step, pair.change);
    if (!(product > 0)) continue;
    pair.inverse_product = 1 / product;
    pairs.push_back(std::move(pair));
    if (pairs.size() > kMemory) pairs.pop_front();
  }
  x = std::move(here.x);
  return iteration;
}

struct FloatWeights {
  Matrix weights;  // outputs x columns
  std::vector<float> intercepts;

  FloatWeights(std::span<const double> x, std::size_t outputs, std::size_t columns)
      : weights(outputs, columns), intercepts(outputs) {
    for (std::size_t k = 0; k < outputs; ++k) {
      const double* row = x.data() + k * (columns + 1);
      for (std::size_t j = 0; j < columns; ++j) weights(k, j) = static_cast<float>(row[j]);
      intercepts[k] = static_cast<float>(row[columns]);
    }
  }

  void scores(View<const float> examples, View<float> out) const {
    for (std::size_t i = 0; i < out.rows; ++i) std::ranges::copy(intercepts, out.data + i * out.stride);
    multiply(Form::nt, 1.0f, examples, weights, 1.0f, out);
  }
};

class Evaluation {
 public:
  Evaluation(const LinearProblem& problem, const Matrix& examples, std::span<const int> targets, std::size_t outputs,
             std::span<const double> weights)
      : problem_(problem), examples_(examples), targets_(targets), outputs_(outputs), weights_(weights) {
    weight_sum_ = weights.empty() ? static_cast<double>(targets.size()) : std::reduce(weights.begin(), weights.end());
    const std::size_t blocks = (examples.rows() + kRowBlock - 1) / kRowBlock;
    gradients_.resize(blocks, std::vector<float>(outputs * (examples.cols() + 1)));
    losses_.resize(blocks);
  }

  double operator()(std::span<const double> x, std::span<double> gradient) {
    const FloatWeights now(x, outputs_, examples_.cols());
    blas::for_blocks(examples_.rows(), kRowBlock,
                     [&](std::size_t first, std::size_t count) { evaluate_block(now, first, count); });
    std::ranges::fill(gradient, 0.0);
    for (const auto& part : gradients_)  // in order, so results do not depend on the number of threads
      for (std::size_t k = 0; k < gradient.size(); ++k) gradient[k] += part[k];
    const std::size_t width = examples_.cols() + 1;
    double squares = 0;
    for (std::size_t k = 0; k < gradient.size(); ++k) {
      const bool is_intercept = k % width == width - 1;
      gradient[k] = is_intercept && !problem_.intercept ? 0 : gradient[k] / weight_sum_;
      if (is_intercept && !problem_.penalise_intercept) continue;
      gradient[k] += problem_.penalty * x[k];
      squares += x[k] * x[k];
    }
    return std::reduce(losses_.begin(), losses_.end()) / weight_sum_ + problem_.penalty * squares / 2;
  }

 private:
  void evaluate_block(const FloatWeights& now, std::size_t first, std::size_t count) {
    const View<const float> rows = View<const float>(examples_).rows_from(first, count);
    Matrix scores(count, outputs_);
    now.scores(rows, scores);
    double loss = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const double weight = weights_.empty() ? 1 : weights_[first + i];
      loss += weight * loss_of(scores.row(i), targets_[first + i], static_cast<float>(weight));
    }
    losses_[first / kRowBlock] = loss;
    // `scores` now holds slopes. Gradient: outputs x columns, with the intercepts' in the last column.
    std::vector<float>& gradient = gradients_[first / kRowBlock];
    const std::size_t cols = examples_.cols();
    multiply(Form::tn, 1.0f, scores, rows, 0.0f, View<float>(gradient.data(), outputs_, cols, cols + 1));
    for (std::size_t k = 0; k < outputs_; ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += scores(i, k);
      gradient[k * (cols + 1) + cols] = static_cast<float>(sum);
    }
  }

  /// The loss of one example; replaces its scores by the slopes, times the weight.
  double loss_of(std::span<float> scores, int target, float weight) const {
    return problem_.loss == LinearLoss::softmax ? softmax_loss(scores, target, weight)
                                                : separate_losses(scores, target, weight);
  }

  static double softmax_loss(std::span<float> scores, int target, float weight) {
    const float largest = *std::ranges::max_element(scores), own = scores[static_cast<std::size_t>(target)];
    float sum = 0;
    for (float& score : scores) sum += score = std::exp(score - largest);
    for (float& score : scores) score *= weight / sum;
    scores[static_cast<std::size_t>(target)] -= weight;
    return std::log(static_cast<double>(sum)) + static_cast<double>(largest) - static_cast<double>(own);
  }

  double separate_losses(std::span<float> scores, int target, float weight) const {
    double loss = 0;
    for (std::size_t k = 0; k < scores.size(); ++k) {
      const bool own = scores.size() == 1 ? target == 1 : target == static_cast<int>(k);
      const double margin = own ? scores[k] : -scores[k];
      double slope = 0;
      if (problem_.loss == LinearLoss::logistic) {
        const double small = std::exp(-std::abs(margin));  // never overflows
        loss += std::log1p(small) + std::max(-margin, 0.0);
        slope = margin > 0 ? -small / (1 + small) : -1 / (1 + small);
      } else if (margin < 1) {
        loss += (1 - margin) * (1 - margin);
        slope = -2 * (1 - margin);
      }
      scores[k] = static_cast<float>(own ? slope : -slope) * weight;
    }
    return loss;
  }

  const LinearProblem& problem_;
  const Matrix& examples_;
  std::span<const int> targets_;
  std::size_t outputs_;
  std::span<const double> weights_;
  double weight_sum_ = 0;
  std::vector<std::vector<float>> gradients_;
  std::vector<double> losses_;
};

/// Second derivative of one output's loss at score 0.
double curvature_at_zero(LinearLoss loss, std::size_t outputs) {
  switch (loss) {
    case LinearLoss::softmax:
      return 1.0 / static_cast<double>(outputs);
    case LinearLoss::logistic:
      return 0.25;
    case LinearLoss::squared_hinge:
      return 2;
  }
  return 1;
}

/// Solves with curvature * X^T X / n + penalty, X with a column of ones; the same for all outputs.
Preconditioner hessian_at_zero(const LinearProblem& problem, const Matrix& examples, std::size_t outputs) {
  const std::size_t cols = examples.cols(), width = cols + 1;
  if (cols > kLargestPreconditioner) return [](std::span<double>) {};
  const double scale = curvature_at_zero(problem.loss, outputs) / static_cast<double>(examples.rows());
  const std::vector<double> gram = blas::gram_of_columns(examples);
  const std::vector<double> mean = blas::column_moments(examples).mean;
  auto hessian = std::make_shared<std::vector<double>>(width * width);
  for (std::size_t i = 0; i < width; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      const bool is_intercept = i == cols;
      const double ones = j == cols ? 1 : mean[j];
      const double value =
          is_intercept ? (problem.intercept ? ones * static_cast<double>(examples.rows()) : 0) : gram[i * cols + j];
      (*hessian)[i * width + j] = scale * value;
    }
  double mean_diagonal = 0;
  for (std::size_t i = 0; i < width; ++i) mean_diagonal += (*hessian)[i * (width + 1)] / static_cast<double>(width);
  // 1e-7: the precision of the Gram matrix from float products.
  for (std::size_t i = 0; i < width; ++i) (*hessian)[i * (width + 1)] += problem.penalty + 1e-7 * mean_diagonal;
  if (!blas::factor_positive(*hessian, width)) return [](std::span<double>) {};
  return [hessian, width](std::span<double> x) { blas::solve_factored(*hessian, width, x); };
}

/// For a table with more columns than rows, the optimal weights are combinations of examples, w = X^T a. With
/// X X^T = L L^T the rows of L are the same examples in n dimensions: minimises over v there, and a = L^-T v.
std::vector<double> start_from_rows(const LinearProblem& problem, const Matrix& examples, std::span<const int> targets,
                                    std::size_t outputs, std::span<const double> example_weights) {
  const std::size_t n = examples.rows(), cols = examples.cols();
  std::vector<double> factor;
  {
    const Matrix gram = blas::gram_of_rows(examples);
    factor.assign(gram.values().begin(), gram.values().end());
  }
  double trace = 0;
  for (std::size_t i = 0; i < n; ++i) trace += factor[i * n + i];
  for (std::size_t i = 0; i < n; ++i) factor[i * n + i] += trace > 0 ? kJitter * trace / static_cast<double>(n) : 1;
  std::vector<double> weights(outputs * (cols + 1));
  if (!blas::factor_positive(factor, n)) return weights;
  Matrix narrow(n, n);
  for (std::size_t i = 0; i < n; ++i)
    std::copy_n(factor.begin() + static_cast<std::ptrdiff_t>(i * n), i + 1, narrow.row(i).begin());
  const LinearScores found = minimise_linear(problem, narrow, targets, outputs, example_weights);

  Matrix coefficients(n, outputs);
  for (std::size_t k = 0; k < outputs; ++k) {
    std::vector<double> a(found.weights.begin() + static_cast<std::ptrdiff_t>(k * (n + 1)),
                          found.weights.begin() + static_cast<std::ptrdiff_t>(k * (n + 1) + n));
    blas::solve_transposed(factor, n, a);
    for (std::size_t i = 0; i < n; ++i) coefficients(i, k) = static_cast<float>(a[i]);
    weights[k * (cols + 1) + cols] = found.weights[k * (n + 1) + n];
  }
  const std::vector<double> sums = blas::product_tn(examples, coefficients);  // cols x outputs
  for (std::size_t j = 0; j < cols; ++j)
    for (std::size_t k = 0; k < outputs; ++k) weights[k * (cols + 1) + j] = sums[j * outputs + k];
  return weights;
}

}  // namespace

Matrix LinearScores::of(const Matrix& examples) const {
  Matrix scores(examples.rows(), outputs);
  const FloatWeights now(weights, outputs, columns);
  blas::for_blocks(examples.rows(), kRowBlock, [&](std::size_t first, std::size_t count) {
    now.scores(View<const float>(examples).rows_from(first, count), View<float>(scores).rows_from(first, count));
  });
  return scores;
}

std::vector<int> decide_by_scores(const Matrix& scores) {
  if (scores.cols() > 1) return row_argmax(scores);
  std::vector<int> decided;
  for (float score : scores.values()) decided.push_back(score > 0);
  return decided;
}

LinearScores minimise_linear(const LinearProblem& problem, const Matrix& examples, std::span<const int> targets,
                             std::size_t outputs, std::span<const double> example_weights) {
  LinearScores result{outputs, examples.cols(), std::vector<double>(outputs * (examples.cols() + 1))};
  if (examples.cols() > kLargestPreconditioner && examples.rows() <= kLargestPreconditioner)
    result.weights = start_from_rows(problem, examples, targets, outputs, example_weights);
  Evaluation evaluation(problem, examples, targets, outputs, example_weights);
  result.iterations =
      minimise([&](std::span<const double> x, std::span<double> gradient) { return evaluation(x, gradient); },
               hessian_at_zero(problem, examples, outputs), problem, result.weights);
  return result;
}

}  // namespace genrewise
