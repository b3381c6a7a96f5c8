// The dual problem of a support vector machine: every solver satisfies the optimality conditions.
#include "genrewise/models/classical/active_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "classifier_support.hpp"
#include "genrewise/models/classical/linear_newton.hpp"
#include "genrewise/models/classical/smo.hpp"

namespace genrewise {
namespace {

using testing::Clusters;
using testing::make_clusters;

constexpr double kTolerance = 1e-3;
constexpr double kSolutions =
    0.02;                           // difference of decision values of two points that are optimal within the tolerance
constexpr double kRounding = 2e-4;  // of decision values that the solver updates and the test recomputes

/// Two classes, sorted, and the kernel matrix of all examples.
struct Problem {
  Matrix examples;
  std::vector<float> norms, matrix;
  std::size_t first_count, size;

  Problem(const Kernel& kernel, std::size_t rows, std::size_t cols, double spread, std::size_t copies = 1) {
    const Clusters data = make_clusters(rows, cols, 2, spread);
    std::vector<std::size_t> order;
    for (int label : {0, 1})
      for (std::size_t i = 0; i < rows; ++i)
        if (data.labels[i] == label) order.insert(order.end(), copies, i);
    examples = data.examples.select_rows(order);
    norms = squared_norms(examples);
    size = order.size();
    first_count = static_cast<std::size_t>(std::ranges::count(data.labels, 0)) * copies;
    matrix.resize(size * size);
    kernel_block(kernel, {examples, norms}, {examples, norms}, {matrix.data(), size, size});
  }

  DensePairKernel kernel() const { return {{matrix.data(), size, size}, 0, first_count, first_count}; }
  DualPoint by_columns(const std::vector<double>& bound) const {
    const blas::View<const float> all(examples);
    return solve_linear_by_newton(all.rows_from(0, first_count), all.rows_from(first_count, size - first_count), bound,
                                  kTolerance);
  }
  double sign(std::size_t i) const { return i < first_count ? 1 : -1; }

  /// Violation of the KKT conditions, from recomputed sums.
  double violation(const std::vector<double>& alpha, const std::vector<double>& bound) const {
    double least = 1e300, most = -1e300;
    for (std::size_t i = 0; i < size; ++i) {
      if (bound[i] == 0) continue;
      double f = -sign(i);
      for (std::size_t j = 0; j < size; ++j) f += alpha[j] * sign(j) * static_cast<double>(matrix[i * size + j]);
      const bool grows = sign(i) > 0 ? alpha[i] < bound[i] : alpha[i] > 0;
      const bool shrinks = sign(i) > 0 ? alpha[i] > 0 : alpha[i] < bound[i];
      if (grows) least = std::min(least, f);
      if (shrinks) most = std::max(most, f);
    }
    return most - least;
  }
};

void expect_solved(const Problem& problem, const std::vector<double>& alpha, const std::vector<double>& bound) {
  double sum = 0, sizes = 0;
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    EXPECT_GE(alpha[i], 0);
    EXPECT_LE(alpha[i], bound[i]);
    sum += problem.sign(i) * alpha[i];
    sizes += alpha[i];
  }
  EXPECT_NEAR(sum, 0, 1e-9 * std::max(1.0, sizes));
  EXPECT_LT(problem.violation(alpha, bound), kTolerance + kRounding * std::max(1.0, sizes / 100));
}

struct Case {
  Kernel kernel;
  double c;
  double spread;
};

class DualProblem : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Kernels, DualProblem,
                         ::testing::Values(Case{{KernelKind::linear}, 0.01, 0.2}, Case{{KernelKind::linear}, 1, 0.2},
                                           Case{{KernelKind::linear}, 100, 0.2}, Case{{KernelKind::linear}, 1, 3},
                                           Case{{KernelKind::rbf, 0.03}, 0.1, 0.2},
                                           Case{{KernelKind::rbf, 0.03}, 1, 0.2},
                                           Case{{KernelKind::rbf, 0.03}, 1000, 0.2},
                                           Case{{KernelKind::poly, 0.03, 1, 3}, 1, 0.2},
                                           Case{{KernelKind::sigmoid, 0.03}, 1, 0.2}));

TEST_P(DualProblem, IsSolvedFromItsKernel) {
  const Problem problem(GetParam().kernel, 300, 30, GetParam().spread);
  DensePairKernel kernel = problem.kernel();
  const std::vector<double> bound(problem.size, GetParam().c);
  const SmoConfig config{.tolerance = kTolerance, .is_positive = GetParam().kernel.kind != KernelKind::sigmoid};
  const SmoResult result = solve_smo(kernel, problem.first_count, bound, config);
  expect_solved(problem, result.alpha, bound);
}

TEST_P(DualProblem, IsSolvedWithUnequalBoundsAndExamplesOfBoundZero) {
  const Problem problem(GetParam().kernel, 300, 30, GetParam().spread);
  DensePairKernel kernel = problem.kernel();
  std::vector<double> bound(problem.size, GetParam().c);
  for (std::size_t i = 0; i < bound.size(); ++i)
    bound[i] = i % 5 == 0 ? 0 : i < problem.first_count ? 3 * bound[i] : bound[i];
  const SmoConfig config{.tolerance = kTolerance, .is_positive = GetParam().kernel.kind != KernelKind::sigmoid};
  const SmoResult result = solve_smo(kernel, problem.first_count, bound, config);
  expect_solved(problem, result.alpha, bound);
  for (std::size_t i = 0; i < bound.size(); i += 5) {
    double decision = -result.rho;
    for (std::size_t j = 0; j < problem.size; ++j)
      decision += result.alpha[j] * problem.sign(j) * static_cast<double>(problem.matrix[i * problem.size + j]);
    EXPECT_NEAR(result.decision[i], decision, kRounding * std::max(1.0, GetParam().c));
  }
}

TEST(PairwiseSteps, ContinueInBlocksOfExamples) {
  for (const Case& test : {Case{{KernelKind::linear}, 1, 0.2}, Case{{KernelKind::rbf, 0.03}, 1000, 0.2}}) {
    const Problem problem(test.kernel, 1200, 30, test.spread);
    DensePairKernel kernel = problem.kernel();
    std::vector<double> bound(problem.size, test.c);
    for (std::size_t i = 0; i < bound.size(); i += 5) bound[i] = 0;
    const SmoResult result =
        solve_smo(kernel, problem.first_count, bound, {.tolerance = kTolerance, .is_positive = false});
    expect_solved(problem, result.alpha, bound);
    EXPECT_GT(result.steps, 2 * static_cast<long long>(problem.size));  // blocks start at 1.5
    for (std::size_t i = 0; i < bound.size(); i += 5) EXPECT_EQ(result.alpha[i], 0);
  }
}

TEST(PairwiseSteps, AreReplacedByTheSolverThatIsGivenWhenTheyAreTooMany) {
  const Problem problem({KernelKind::linear}, 400, 100, 0.2);
  DensePairKernel kernel = problem.kernel();
  const std::vector<double> bound(problem.size, 100);
  int calls = 0;
  const auto solve = [&](DualPoint& point) {
    point = problem.by_columns(bound);
    ++calls;
    return true;
  };
  const SmoResult result = solve_smo(kernel, problem.first_count, bound, {.tolerance = kTolerance, .take_over = solve});
  EXPECT_EQ(calls, 1);
  expect_solved(problem, result.alpha, bound);
}

/// alpha of a point, for expect_solved().
std::vector<double> alpha_of(const Problem& problem, const DualPoint& point) {
  std::vector<double> alpha(point.beta);
  for (std::size_t i = 0; i < alpha.size(); ++i) alpha[i] *= problem.sign(i);
  return alpha;
}

TEST(LinearNewton, FindsTheSolutionOfTheKernelSolver) {
  for (const double c : {0.01, 1.0, 50.0}) {
    for (const double spread : {0.1, 0.4, 2.0}) {
      const Problem problem({KernelKind::linear}, 400, 20, spread);
      std::vector<double> bound(problem.size, c);
      for (std::size_t i = 0; i < bound.size(); i += 7) bound[i] = i % 2 == 0 ? 0 : 2 * c;
      DensePairKernel kernel = problem.kernel();
      const SmoConfig config{.tolerance = kTolerance};
      const DualPoint point = problem.by_columns(bound);
      const SmoResult by_columns = solve_smo(kernel, problem.first_count, bound, config, &point);
      // Pairwise steps end at the tolerance; the Newton solver continues until rounding.
      const SmoResult by_kernel = solve_smo(kernel, problem.first_count, bound, {.tolerance = kTolerance / 4});
      expect_solved(problem, by_columns.alpha, bound);
      expect_solved(problem, by_kernel.alpha, bound);
      for (std::size_t i = 0; i < problem.size; ++i)
        EXPECT_NEAR(by_columns.decision[i], by_kernel.decision[i], kSolutions) << c << " " << spread;
    }
  }
}

TEST(LinearNewton, NeedsNoPairwiseStepsWhetherClassesOverlapOrNot) {
  struct Size {
    std::size_t rows, cols;
    double spread, c;
  };
  for (const auto [rows, cols, spread, c] :
       {Size{400, 60, 0.15, 1}, Size{3000, 60, 0.02, 1}, Size{3000, 60, 0.02, 0.001}, Size{3000, 20, 0.1, 100},
        Size{2000, 5, 3, 1}, Size{300, 140, 0.05, 10}}) {
    const Problem problem({KernelKind::linear}, rows, cols, spread);
    const std::vector<double> bound(problem.size, c);
    DensePairKernel kernel = problem.kernel();
    const DualPoint start = problem.by_columns(bound);
    const SmoResult result = solve_smo(kernel, problem.first_count, bound, {.tolerance = kTolerance}, &start);
    EXPECT_EQ(result.steps, 0) << rows << " x " << cols << ", C " << c;
    expect_solved(problem, result.alpha, bound);
  }
}

TEST(LinearNewton, KeepsProductsConsistentWhenTheZoneIsEmpty) {
  // Bounds so small that before the last width every example is at a bound.
  for (const double c : {0.001, 0.01, 0.1}) {
    for (std::size_t rows = 12; rows <= 60; rows += 4) {
      const Problem problem({KernelKind::linear}, rows, 3, 1.0);
      const std::vector<double> bound(problem.size, c);
      const DualPoint point = problem.by_columns(bound);
      expect_solved(problem, alpha_of(problem, point), bound);
      for (std::size_t i = 0; i < problem.size; ++i) {
        double product = 0;
        for (std::size_t j = 0; j < problem.size; ++j)
          product += point.beta[j] * static_cast<double>(problem.matrix[i * problem.size + j]);
        EXPECT_NEAR(point.products[i], product, kRounding);
      }
    }
  }
}

TEST(LinearNewton, SolvesWhereExamplesAreRepeated) {
  const Problem problem({KernelKind::linear}, 120, 5, 0.3, 3);
  const std::vector<double> bound(problem.size, 1.0);
  expect_solved(problem, alpha_of(problem, problem.by_columns(bound)), bound);
}

TEST(LinearNewton, SolvesWhereAllExamplesAreEqual) {
  Problem problem({KernelKind::linear}, 40, 4, 0.3);
  std::ranges::fill(problem.examples.values(), 2.0f);
  std::ranges::fill(problem.matrix, 16.0f);
  const std::vector<double> bound(problem.size, 1.0);
  expect_solved(problem, alpha_of(problem, problem.by_columns(bound)), bound);
}

TEST(LinearNewton, ReturnsZeroWhereAllBoundsOfAClassAreZero) {
  const Problem problem({KernelKind::linear}, 40, 4, 0.3);
  std::vector<double> bound(problem.size, 0.0);
  EXPECT_EQ(problem.by_columns(bound).beta, std::vector<double>(problem.size));
  std::fill_n(bound.begin(), problem.first_count, 1.0);
  EXPECT_EQ(problem.by_columns(bound).beta, std::vector<double>(problem.size));
}

TEST(LinearNewton, ReturnsAPointFromWhichPairwiseStepsContinue) {
  const Problem problem({KernelKind::linear}, 200, 10, 0.1);
  const std::vector<double> bound(problem.size, 1.0);
  DensePairKernel kernel = problem.kernel();
  DualPoint start = problem.by_columns(bound);
  // Perturbed: one example of each class is set to 0, and the sum of beta is only restored by pairwise steps.
  const auto spoil = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i)
      if (std::abs(start.beta[i]) == 1.0) return i;
    return to;
  };
  const std::size_t a = spoil(0, problem.first_count), b = spoil(problem.first_count, problem.size);
  ASSERT_LT(a, problem.first_count);
  ASSERT_LT(b, problem.size);
  for (std::size_t i = 0; i < problem.size; ++i)
    for (const std::size_t j : {a, b})
      start.products[i] -= start.beta[j] * static_cast<double>(problem.matrix[i * problem.size + j]);
  start.beta[a] = start.beta[b] = 0;
  const SmoResult result = solve_smo(kernel, problem.first_count, bound, {.tolerance = kTolerance}, &start);
  EXPECT_GT(result.steps, 0);
  expect_solved(problem, result.alpha, bound);
}

TEST(ActiveSets, LeaveThePointUnchangedWhereTheyDoNotConverge) {
  const Problem problem({KernelKind::linear}, 40, 4, 0.3);
  const std::vector<double> none(problem.size, 0.0);  // no alpha may change
  DensePairKernel kernel = problem.kernel();
  DualPoint point{std::vector<double>(problem.size), std::vector<double>(problem.size)};
  EXPECT_FALSE(solve_by_active_sets(kernel, problem.first_count, none, kTolerance, point));
  EXPECT_EQ(point.beta, std::vector<double>(problem.size));
}

}  // namespace
}  // namespace genrewise
