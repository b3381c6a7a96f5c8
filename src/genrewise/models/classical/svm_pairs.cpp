#include "genrewise/models/classical/svm_pairs.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "genrewise/base/parallel.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classical/linear_newton.hpp"

namespace genrewise {
namespace {

using blas::View;

constexpr std::size_t kFolds = 5;
constexpr std::size_t kMostColumns = 2000;                            // largest matrix that linear_newton factorises
constexpr std::size_t kMostLinearKernelBytes = std::size_t{1} << 29;  // more rows: linear_newton alone

class PairSolver {
 public:
  PairSolver(const PairProblems& problems, const SortedExamples& sorted, const std::vector<double>& bounds)
      : problems_(problems), sorted_(sorted), bounds_(bounds) {}

  /// Whether linear_newton solves what pairwise steps do not.
  bool may_solve_by_columns(const ClassPair& pair) const {
    const std::size_t cols = sorted_.rows.cols();
    return problems_.kernel.kind == KernelKind::linear && problems_.smo.most_steps <= 0 && cols <= kMostColumns &&
           sorted_.size_of(pair) >= 2 * cols;
  }
  /// Whether it does so without a kernel matrix.
  bool is_solved_by_columns(const ClassPair& pair) const {
    const std::size_t n = sorted_.rows.rows();
    return may_solve_by_columns(pair) &&
           n * n * sizeof(float) > std::min(kMostLinearKernelBytes, problems_.cache_bytes);
  }

  /// Memory of a pair's own kernel matrix and a copy of its rows.
  std::size_t bytes_of(const ClassPair& pair) const {
    const std::size_t n = sorted_.size_of(pair);
    return n * n * sizeof(float) + n * sorted_.rows.cols() * sizeof(float);
  }

  PairMachine solve_with_own_kernel(const ClassPair& pair) const {
    if (bytes_of(pair) > problems_.cache_bytes) {
      CachedPairKernel kernel(problems_.kernel, sorted_.of_class(pair.first), sorted_.of_class(pair.second),
                              problems_.cache_bytes);
      return solve(&kernel, pair);
    }
    const std::size_t first_count = sorted_.size_of(pair.first);
    std::vector<std::size_t> rows(sorted_.size_of(pair));
    std::iota(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(first_count), sorted_.start[pair.first]);
    std::iota(rows.begin() + static_cast<std::ptrdiff_t>(first_count), rows.end(), sorted_.start[pair.second]);
    const Matrix own = sorted_.rows.select_rows(rows);
    const auto norms = squared_norms(own);
    const auto matrix = kernel_of(problems_.kernel, {own, norms});
    DensePairKernel kernel({matrix.data(), rows.size(), rows.size()}, 0, first_count, first_count);
    return solve(&kernel, pair);
  }

  /// `kernel` may be null where is_solved_by_columns().
  PairMachine solve(PairKernel* kernel, const ClassPair& pair) const {
    const std::size_t first = sorted_.size_of(pair.first), second = sorted_.size_of(pair.second);
    std::vector<double> bound(first + second, bounds_[pair.second]);
    std::fill_n(bound.begin(), first, bounds_[pair.first]);

    const std::size_t folds = problems_.probability ? std::min({kFolds, first, second}) : 0;
    const std::string purpose = "svm folds " + std::to_string(pair.first) + " " + std::to_string(pair.second);
    std::vector<int> classes(first + second, 1);
    std::fill_n(classes.begin(), first, 0);
    const auto fold_of =
        stratified_folds(classes, 2, std::max<std::size_t>(folds, 1), derive_seed(problems_.seed, purpose));
    std::vector<double> held_out(first + second);
    SmoResult whole;
    // Task 0 is the machine itself; the others leave out one fold by setting its bounds to 0.
    parallel_for(
        folds > 1 ? 1 + folds : 1,
        [&](std::size_t task, int) {
          if (task == 0) {
            whole = solve_task(kernel, pair, bound);
            return;
          }
          std::vector<double> partial = bound;
          for (std::size_t i = 0; i < partial.size(); ++i)
            if (fold_of[i] == task - 1) partial[i] = 0;
          const SmoResult result = solve_task(kernel, pair, partial);
          for (std::size_t i = 0; i < partial.size(); ++i)
            if (fold_of[i] == task - 1) held_out[i] = result.decision[i];
        },
        kernel == nullptr || kernel->is_shareable() ? 0 : 1);

    PairMachine result;
    result.rho = whole.rho;
    result.steps = whole.steps;
    if (problems_.probability) result.sigmoid = fit_sigmoid(folds > 1 ? held_out : whole.decision, first);
    result.coefficients = std::move(whole.alpha);
    for (std::size_t i = first; i < result.coefficients.size(); ++i) result.coefficients[i] *= -1;
    return result;
  }

 private:
  /// Without a kernel, each task uses the primal solver and computes kernel rows on demand if SMO is still needed.
  SmoResult solve_task(PairKernel* kernel, const ClassPair& pair, const std::vector<double>& bound) const {
    const std::size_t first = sorted_.size_of(pair.first);
    const KernelPoints a = sorted_.of_class(pair.first), b = sorted_.of_class(pair.second);
    const auto by_newton = [&] { return solve_linear_by_newton(a.rows, b.rows, bound, problems_.smo.tolerance); };
    if (kernel != nullptr) {
      SmoConfig config = problems_.smo;
      if (may_solve_by_columns(pair)) {
        config.take_over = [&](DualPoint& point) {
          point = by_newton();
          return true;
        };
      }
      return solve_smo(*kernel, first, bound, config);
    }
    CachedPairKernel rows_when_needed(problems_.kernel, a, b,
                                      problems_.cache_bytes / static_cast<std::size_t>(thread_budget()));
    const DualPoint start = by_newton();
    SmoResult result = solve_smo(rows_when_needed, first, bound, problems_.smo, &start);
    result.steps += start.steps;
    return result;
  }

  const PairProblems& problems_;
  const SortedExamples& sorted_;
  const std::vector<double>& bounds_;
};

}  // namespace

std::vector<ClassPair> all_pairs(std::size_t classes) {
  std::vector<ClassPair> pairs;
  for (std::size_t i = 0; i < classes; ++i)
    for (std::size_t j = i + 1; j < classes; ++j) pairs.push_back({i, j});
  return pairs;
}

SquareMatrix kernel_of(const Kernel& kernel, const KernelPoints& points) {
  const std::size_t n = points.rows.rows;
  SquareMatrix matrix(n * n);
  blas::fill_symmetric(matrix.data(), n, [&](std::size_t row, std::size_t col, View<float> tile) {
    const auto part = [&](std::size_t at, std::size_t count) {
      return KernelPoints{points.rows.rows_from(at, count), points.squared_norm.subspan(at, count)};
    };
    kernel_block(kernel, part(row, tile.rows), part(col, tile.cols), tile);
  });
  return matrix;
}

SquareMatrix kernel_of_products(const Kernel& kernel, const SquareMatrix& products, std::span<const float> norms) {
  const std::size_t n = norms.size();
  SquareMatrix matrix(n * n);
  blas::fill_symmetric(matrix.data(), n, [&](std::size_t row, std::size_t col, View<float> tile) {
    for (std::size_t i = 0; i < tile.rows; ++i)
      std::copy_n(products.data() + (row + i) * n + col, tile.cols, tile.data + i * tile.stride);
    apply_kernel(kernel, norms.subspan(row, tile.rows), norms.subspan(col, tile.cols), tile);
  });
  return matrix;
}

std::vector<PairMachine> solve_pairs(const PairProblems& problems, const SortedExamples& sorted,
                                     const std::vector<double>& bounds,
                                     const std::function<std::shared_ptr<const SquareMatrix>()>& whole_kernel) {
  const PairSolver solver(problems, sorted, bounds);
  const auto pairs = all_pairs(sorted.start.size() - 1);
  std::vector<PairMachine> machines(pairs.size());
  std::vector<std::size_t> by_columns, by_kernel;
  for (std::size_t p = 0; p < pairs.size(); ++p)
    (solver.is_solved_by_columns(pairs[p]) ? by_columns : by_kernel).push_back(p);

  const auto solve_all = [&](const std::vector<std::size_t>& those, int threads, auto&& solve_one) {
    parallel_for(
        those.size(), [&](std::size_t k, int) { machines[those[k]] = solve_one(pairs[those[k]]); }, threads);
  };
  solve_all(by_columns, 0, [&](const ClassPair& pair) { return solver.solve(nullptr, pair); });
  if (by_kernel.empty()) return machines;

  const std::size_t n = sorted.rows.rows();
  if (n * n * sizeof(float) <= problems.cache_bytes) {
    const std::shared_ptr<const SquareMatrix> matrix = whole_kernel();
    solve_all(by_kernel, 0, [&](const ClassPair& pair) {
      DensePairKernel kernel({matrix->data(), n, n}, sorted.start[pair.first], sorted.size_of(pair.first),
                             sorted.start[pair.second]);
      return solver.solve(&kernel, pair);
    });
    return machines;
  }
  std::size_t largest = 0;
  for (const std::size_t p : by_kernel) largest = std::max(largest, solver.bytes_of(pairs[p]));
  const auto at_once =
      std::clamp<std::size_t>(problems.cache_bytes / largest, 1, static_cast<std::size_t>(thread_budget()));
  solve_all(by_kernel, static_cast<int>(at_once),
            [&](const ClassPair& pair) { return solver.solve_with_own_kernel(pair); });
  return machines;
}

}  // namespace genrewise
