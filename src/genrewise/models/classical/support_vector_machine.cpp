// Support vector machine, as libsvm's C-SVC that scikit-learn's SVC wraps: one machine for each pair of classes on a
// shared kernel matrix; votes decide. Probabilities by Platt's sigmoids on five-fold cross-validated decision values,
// coupled (Wu, Lin and Weng 2004), as libsvm; other than there the folds are stratified and drawn from the seed.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/models/classical/kernel.hpp"
#include "genrewise/models/classical/learner.hpp"
#include "genrewise/models/classical/learners.hpp"
#include "genrewise/models/classical/pairwise.hpp"
#include "genrewise/models/classical/smo.hpp"
#include "genrewise/models/tensor_archive.hpp"

namespace genrewise {
namespace {

using blas::View;

constexpr std::size_t kFolds = 5;
constexpr std::size_t kQueryBlock = 256;
constexpr double kLeastPairProbability = 1e-7;  // libsvm's

struct Pair {
  std::size_t first, second;  // classes
};

std::vector<Pair> all_pairs(std::size_t classes) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < classes; ++i)
    for (std::size_t j = i + 1; j < classes; ++j) pairs.push_back({i, j});
  return pairs;
}

/// Examples sorted by class, as the kernel is laid out.
struct Sorted {
  Matrix rows;
  std::vector<float> squared_norm;
  std::vector<std::size_t> start;  // class c is [start[c], start[c + 1])

  std::size_t size_of(std::size_t c) const { return start[c + 1] - start[c]; }
  KernelPoints of_class(std::size_t c) const {
    return {View<const float>(rows).rows_from(start[c], size_of(c)),
            std::span<const float>(squared_norm).subspan(start[c], size_of(c))};
  }
};

using SquareMatrix = std::vector<float>;

/// The symmetric kernel matrix of points taken from one class or from two.
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

/// The same from the products of all points, bit by bit.
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

class SupportVectorMachine final : public Learner {
 public:
  SupportVectorMachine(const Parameters& given, std::uint64_t seed)
      : Learner("svm",
                {{"C", "1.0"},
                 {"kernel", "rbf"},
                 {"degree", "3"},
                 {"gamma", "scale"},
                 {"coef0", "0.0"},
                 {"tol", "1e-3"},
                 {"max_iter", "-1"},
                 {"class_weight", "none"},
                 {"probability", "true"},
                 {"cache_size", "4000"}},
                given),
        seed_(seed),
        c_(read().positive("C")),
        probability_(read().flag("probability")) {
    const std::string kind = read().one_of("kernel", {"linear", "poly", "rbf", "sigmoid"});
    kernel_.kind = kind == "linear" ? KernelKind::linear
                   : kind == "poly" ? KernelKind::poly
                   : kind == "rbf"  ? KernelKind::rbf
                                    : KernelKind::sigmoid;
    kernel_.degree = static_cast<int>(read().integer("degree", 0, 100));
    kernel_.coef0 = read().number("coef0", std::numeric_limits<double>::lowest());
    if (!read().is("gamma", "scale") && !read().is("gamma", "auto")) kernel_.gamma = read().positive("gamma");
    smo_.is_positive = kernel_.kind != KernelKind::sigmoid && (kernel_.kind != KernelKind::poly || kernel_.coef0 >= 0);
    smo_.tolerance = read().positive("tol");
    smo_.most_steps = read().integer("max_iter", -1);
    cache_bytes_ = static_cast<std::size_t>(read().number("cache_size", 1, 1e9) * 1e6);
    class_weights(read(), std::vector<int>{0, 1}, 2);  // refuses a wrong class_weight now rather than in fit()
  }

 private:
  struct PairResult {
    std::vector<double> coefficients;  // alpha_i y_i, first class then second
    double rho = 0;
    Sigmoid sigmoid;
  };

  void learn(const Matrix& examples, std::span<const int> classes, int class_count) override {
    choose_gamma(examples);
    Sorted sorted = sort_by_class(examples, classes, class_count);
    auto bounds = class_weights(read(), classes, class_count);
    for (double& bound : bounds) bound *= c_;
    const auto pairs = all_pairs(static_cast<std::size_t>(class_count));
    std::vector<PairResult> results(pairs.size());
    const std::size_t n = sorted.rows.rows();
    if (is_solved_by_rows(sorted)) {
      parallel_for(pairs.size(),
                   [&](std::size_t p, int) { results[p] = solve_pair(nullptr, sorted, pairs[p], bounds); });
    } else if (n * n * sizeof(float) <= cache_bytes_) {
      const std::shared_ptr<const SquareMatrix> matrix = whole_kernel(examples, classes, sorted);
      parallel_for(pairs.size(), [&](std::size_t p, int) {
        const auto [a, b] = pairs[p];
        DensePairKernel kernel({matrix->data(), n, n}, sorted.start[a], sorted.size_of(a), sorted.start[b]);
        results[p] = solve_pair(&kernel, sorted, pairs[p], bounds);
      });
    } else {
      solve_pairs_apart(sorted, pairs, bounds, results);
    }
    keep_support_vectors(std::move(sorted), pairs, results);
  }

  bool is_centred() const { return kernel_.kind == KernelKind::rbf; }

  std::string kernels_topic() const { return is_centred() ? "svm kernels, centred" : "svm kernels"; }

  void joined(const std::shared_ptr<SharedWork>& work) override {
    if (work)
      work->announce(kernels_topic(), fmt::format("{} {} {} {}", read().text("kernel"), read().text("gamma"),
                                                  kernel_.coef0, kernel_.degree));
  }

  /// The kernel matrix of all examples, sorted by class. Where it is shared and other kernels have been announced, so
  /// are the products that it is made of.
  std::shared_ptr<const SquareMatrix> whole_kernel(const Matrix& examples, std::span<const int> classes,
                                                   const Sorted& sorted) const {
    const auto make = [&](const Kernel& kernel) {
      return [&, kernel] { return kernel_of(kernel, {sorted.rows, sorted.squared_norm}); };
    };
    SharedWork* work = shared_work();
    const auto table = work != nullptr ? work->name_of(examples) : std::nullopt;
    if (!table) return std::make_shared<const SquareMatrix>(make(kernel_)());

    const std::string_view bytes(reinterpret_cast<const char*>(classes.data()), classes.size_bytes());
    const std::string base = fmt::format("{} of {}, classes {}", kernels_topic(), *table, sha256_hex(bytes));
    const auto size = [](const SquareMatrix& matrix) { return matrix.size() * sizeof(float); };
    const auto products = [&] {
      return work->get<SquareMatrix>(base + ": linear", make(Kernel{.kind = KernelKind::linear}), size);
    };
    if (kernel_.kind == KernelKind::linear) return products();
    const bool alone = work->announced(kernels_topic()).size() < 2;
    const auto from_products = [&] { return kernel_of_products(kernel_, *products(), sorted.squared_norm); };
    const std::string name = fmt::format("{}: {} {} {} {}", base, static_cast<int>(kernel_.kind), kernel_.gamma,
                                         kernel_.coef0, kernel_.degree);
    return alone ? work->get<SquareMatrix>(name, make(kernel_), size)
                 : work->get<SquareMatrix>(name, from_products, size);
  }

  void choose_gamma(const Matrix& examples) {
    const double cols = static_cast<double>(examples.cols());
    if (read().is("gamma", "auto")) kernel_.gamma = 1 / cols;
    if (!read().is("gamma", "scale")) return;
    const auto [mean, variance] = blas::column_moments(examples);
    const double whole_mean = std::reduce(mean.begin(), mean.end()) / cols;
    double whole_variance = 0;
    for (std::size_t j = 0; j < mean.size(); ++j)
      whole_variance += variance[j] + (mean[j] - whole_mean) * (mean[j] - whole_mean);
    whole_variance /= cols;
    kernel_.gamma = whole_variance > 0 ? 1 / (cols * whole_variance) : 1;
  }

  Sorted sort_by_class(const Matrix& examples, std::span<const int> classes, int class_count) {
    Sorted sorted;
    const auto sizes = class_sizes(classes, class_count);
    sorted.start.assign(1, 0);
    for (std::size_t size : sizes) sorted.start.push_back(sorted.start.back() + size);
    std::vector<std::size_t> next(sorted.start.begin(), sorted.start.end() - 1), order(classes.size());
    for (std::size_t i = 0; i < classes.size(); ++i) order[next[static_cast<std::size_t>(classes[i])]++] = i;
    sorted.rows = examples.select_rows(order);
    centre_.clear();
    if (is_centred()) {  // distances stay; smaller norms lose fewer digits in float
      const auto mean = blas::column_moments(sorted.rows).mean;
      centre_.assign(mean.begin(), mean.end());
      subtract_centre(sorted.rows);
    }
    sorted.squared_norm = squared_norms(sorted.rows);
    return sorted;
  }

  void subtract_centre(Matrix& rows) const {
    if (centre_.empty()) return;
    blas::for_blocks(rows.rows(), kQueryBlock, [&](std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i) {
        float* row = rows.row(i).data();
        for (std::size_t j = 0; j < centre_.size(); ++j) row[j] -= centre_[j];
      }
    });
  }

  /// One kernel matrix per pair, as many at a time as fit into the cache; a pair that does not fit computes rows as
  /// it goes.
  void solve_pairs_apart(const Sorted& sorted, const std::vector<Pair>& pairs, const std::vector<double>& bounds,
                         std::vector<PairResult>& results) const {
    std::size_t largest = 0;
    const auto bytes_of = [&](const Pair& pair) {
      const std::size_t n = sorted.size_of(pair.first) + sorted.size_of(pair.second);
      return n * n * sizeof(float) + n * sorted.rows.cols() * sizeof(float);  // its matrix and a copy of its rows
    };
    for (const Pair& pair : pairs) largest = std::max(largest, bytes_of(pair));
    const int at_once =
        static_cast<int>(std::clamp<std::size_t>(cache_bytes_ / largest, 1, static_cast<std::size_t>(thread_budget())));
    parallel_for(
        pairs.size(),
        [&](std::size_t p, int) {
          const Pair pair = pairs[p];
          if (bytes_of(pair) > cache_bytes_) {
            CachedPairKernel kernel(kernel_, sorted.of_class(pair.first), sorted.of_class(pair.second), cache_bytes_);
            results[p] = solve_pair(&kernel, sorted, pair, bounds);
            return;
          }
          const std::size_t first_count = sorted.size_of(pair.first);
          std::vector<std::size_t> rows(first_count + sorted.size_of(pair.second));
          std::iota(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(first_count), sorted.start[pair.first]);
          std::iota(rows.begin() + static_cast<std::ptrdiff_t>(first_count), rows.end(), sorted.start[pair.second]);
          const Matrix own = sorted.rows.select_rows(rows);
          const auto norms = squared_norms(own);
          const auto matrix = kernel_of(kernel_, {own, norms});
          DensePairKernel kernel({matrix.data(), rows.size(), rows.size()}, 0, first_count, first_count);
          results[p] = solve_pair(&kernel, sorted, pair, bounds);
        },
        at_once);
  }

  /// Of a linear kernel with many more examples than columns no matrix is made.
  bool is_solved_by_rows(const Sorted& sorted) const {
    if (kernel_.kind != KernelKind::linear || smo_.most_steps > 0) return false;
    std::vector<std::size_t> sizes;
    for (std::size_t c = 0; c + 1 < sorted.start.size(); ++c) sizes.push_back(sorted.size_of(c));
    std::ranges::partial_sort(sizes, sizes.begin() + 2);
    return sizes[0] + sizes[1] >= 2 * sorted.rows.cols();
  }

  /// Without a kernel each task works on the rows, and computes of the kernel what it may yet need.
  SmoResult solve_task(PairKernel* kernel, const Sorted& sorted, const Pair& pair,
                       const std::vector<double>& bound) const {
    const std::size_t first = sorted.size_of(pair.first);
    if (kernel != nullptr) return solve_smo(*kernel, first, bound, smo_);
    const KernelPoints a = sorted.of_class(pair.first), b = sorted.of_class(pair.second);
    CachedPairKernel rows_when_needed(kernel_, a, b, cache_bytes_ / static_cast<std::size_t>(thread_budget()));
    LinearForm form(a.rows, b.rows);
    return solve_smo(rows_when_needed, first, bound, smo_, &form);
  }

  /// `kernel` may be null where is_solved_by_rows().
  PairResult solve_pair(PairKernel* kernel, const Sorted& sorted, const Pair& pair,
                        const std::vector<double>& bounds) const {
    const std::size_t first = sorted.size_of(pair.first), second = sorted.size_of(pair.second);
    std::vector<double> bound(first + second, bounds[pair.second]);
    std::fill_n(bound.begin(), first, bounds[pair.first]);

    const std::size_t folds = probability_ ? std::min({kFolds, first, second}) : 0;
    const std::string purpose = "svm folds " + std::to_string(pair.first) + " " + std::to_string(pair.second);
    std::vector<int> classes(first + second, 1);
    std::fill_n(classes.begin(), first, 0);
    const auto fold_of = stratified_folds(classes, 2, std::max<std::size_t>(folds, 1), derive_seed(seed_, purpose));
    std::vector<double> held_out(first + second);
    SmoResult whole;
    // Task 0 is the machine itself, the others leave one fold out by giving it no room.
    parallel_for(
        folds > 1 ? 1 + folds : 1,
        [&](std::size_t task, int) {
          if (task == 0) {
            whole = solve_task(kernel, sorted, pair, bound);
            return;
          }
          std::vector<double> partial = bound;
          for (std::size_t i = 0; i < partial.size(); ++i)
            if (fold_of[i] == task - 1) partial[i] = 0;
          const SmoResult result = solve_task(kernel, sorted, pair, partial);
          for (std::size_t i = 0; i < partial.size(); ++i)
            if (fold_of[i] == task - 1) held_out[i] = result.decision[i];
        },
        kernel == nullptr || kernel->is_shareable() ? 0 : 1);

    PairResult result;
    result.rho = whole.rho;
    if (probability_) result.sigmoid = fit_sigmoid(folds > 1 ? held_out : whole.decision, first);
    result.coefficients = std::move(whole.alpha);
    for (std::size_t i = first; i < result.coefficients.size(); ++i) result.coefficients[i] *= -1;
    return result;
  }

  void keep_support_vectors(Sorted sorted, const std::vector<Pair>& pairs, const std::vector<PairResult>& results) {
    const std::size_t n = sorted.rows.rows();
    Matrix all(n, pairs.size());
    rho_.clear();
    sigmoids_.clear();
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      const auto [a, b] = pairs[p];
      const auto& coefficients = results[p].coefficients;
      for (std::size_t i = 0; i < coefficients.size(); ++i) {
        const std::size_t row = i < sorted.size_of(a) ? sorted.start[a] + i : sorted.start[b] + i - sorted.size_of(a);
        all(row, p) = static_cast<float>(coefficients[i]);
      }
      rho_.push_back(results[p].rho);
      sigmoids_.push_back(results[p].sigmoid);
    }
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < n; ++i)
      if (std::ranges::any_of(all.row(i), [](float value) { return value != 0; })) kept.push_back(i);
    coefficients_ = all.select_rows(kept);
    support_ = kept.size() == n ? std::move(sorted.rows) : sorted.rows.select_rows(kept);
    prepare_decisions();
  }

  /// What follows from the support vectors and their coefficients.
  void prepare_decisions() {
    squared_norm_ = squared_norms(support_);
    normals_ = Matrix();
    if (kernel_.kind != KernelKind::linear) return;
    const std::vector<double> sums = blas::product_tn(coefficients_, support_);
    normals_ = Matrix(coefficients_.cols(), support_.cols(), {sums.begin(), sums.end()});
  }

  /// examples x pairs; above 0 speaks for the pair's first class.
  Matrix decisions(const Matrix& examples) const {
    Matrix result(examples.rows(), rho_.size());
    blas::for_blocks(examples.rows(), kQueryBlock, [&](std::size_t first, std::size_t count) {
      std::vector<std::size_t> rows(count);
      std::iota(rows.begin(), rows.end(), first);
      Matrix block = examples.select_rows(rows);
      subtract_centre(block);
      const View<float> out = View<float>(result).rows_from(first, count);
      if (kernel_.kind == KernelKind::linear) {
        blas::multiply(blas::Form::nt, 1.0f, block, normals_, 0.0f, out);
      } else {
        Matrix values(count, support_.rows());
        kernel_block(kernel_, {block, squared_norms(block)}, {support_, squared_norm_}, values);
        blas::multiply(blas::Form::nn, 1.0f, values, coefficients_, 0.0f, out);
      }
      for (std::size_t i = first; i < first + count; ++i)
        for (std::size_t p = 0; p < rho_.size(); ++p) result(i, p) -= static_cast<float>(rho_[p]);
    });
    return result;
  }

  Matrix votes(const Matrix& decided) const {
    Matrix result(decided.rows(), static_cast<std::size_t>(class_count()));
    const auto pairs = all_pairs(result.cols());
    for (std::size_t i = 0; i < decided.rows(); ++i)
      for (std::size_t p = 0; p < pairs.size(); ++p)
        result(i, decided(i, p) > 0 ? pairs[p].first : pairs[p].second) += 1;
    return result;
  }

  std::vector<int> decide(const Matrix& examples) const override { return row_argmax(votes(decisions(examples))); }

  Answers decide_with_probabilities(const Matrix& examples) const override {
    const Matrix decided = decisions(examples);
    return {row_argmax(votes(decided)), probabilities_of(decided)};
  }

  Matrix probabilities(const Matrix& examples) const override { return probabilities_of(decisions(examples)); }

  Matrix probabilities_of(const Matrix& decided) const {
    if (!probability_) {
      Matrix shares = votes(decided);
      for (float& value : shares.values()) value /= static_cast<float>(rho_.size());
      return shares;
    }
    const auto classes = static_cast<std::size_t>(class_count());
    const auto pairs = all_pairs(classes);
    Matrix result(decided.rows(), classes);
    blas::for_blocks(decided.rows(), kQueryBlock, [&](std::size_t first, std::size_t count) {
      Matrix pairwise(classes, classes);
      for (std::size_t i = first; i < first + count; ++i) {
        for (std::size_t p = 0; p < pairs.size(); ++p) {
          const double value =
              std::clamp(sigmoids_[p](decided(i, p)), kLeastPairProbability, 1 - kLeastPairProbability);
          pairwise(pairs[p].first, pairs[p].second) = static_cast<float>(value);
          pairwise(pairs[p].second, pairs[p].first) = static_cast<float>(1 - value);
        }
        couple_pairwise(pairwise, result.row(i));
      }
    });
    return result;
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    std::vector<double> slopes, offsets;
    for (const Sigmoid& sigmoid : sigmoids_) {
      slopes.push_back(sigmoid.slope);
      offsets.push_back(sigmoid.offset);
    }
    archive.put(prefix + "support_vectors", support_);
    archive.put(prefix + "dual_coefficients", coefficients_);
    archive.put(prefix + "rho", rho_);
    archive.put(prefix + "sigmoid_slope", slopes);
    archive.put(prefix + "sigmoid_offset", offsets);
    archive.put(prefix + "gamma", std::vector<double>{kernel_.gamma});
    archive.put(prefix + "centre", centre_);
  }

  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    const std::size_t pairs = all_pairs(static_cast<std::size_t>(class_count())).size();
    support_ = archive.matrix(prefix + "support_vectors", columns());
    coefficients_ = archive.matrix(prefix + "dual_coefficients", pairs);
    if (coefficients_.rows() != support_.rows())
      throw Error("support vectors and coefficients do not go together", archive.name());
    rho_ = archive.doubles(prefix + "rho", pairs);
    const auto slopes = archive.doubles(prefix + "sigmoid_slope", pairs);
    const auto offsets = archive.doubles(prefix + "sigmoid_offset", pairs);
    sigmoids_.clear();
    for (std::size_t p = 0; p < pairs; ++p) sigmoids_.push_back({slopes[p], offsets[p]});
    kernel_.gamma = archive.number(prefix + "gamma");
    centre_ = archive.floats(prefix + "centre", is_centred() ? columns() : 0);
    prepare_decisions();
  }

  std::uint64_t seed_;
  double c_;
  bool probability_;
  Kernel kernel_;
  SmoConfig smo_;
  std::size_t cache_bytes_;
  std::vector<float> centre_;  // subtracted from every row; RBF only
  Matrix support_;             // support vectors x columns, centred
  Matrix coefficients_;        // support vectors x pairs: alpha y, 0 where the pair has not that class
  std::vector<float> squared_norm_;
  Matrix normals_;  // pairs x columns: what a linear kernel's support vectors add up to; empty for the others
  std::vector<double> rho_;
  std::vector<Sigmoid> sigmoids_;
};

}  // namespace

std::unique_ptr<Classifier> make_support_vector_machine(const Parameters& parameters, std::uint64_t seed) {
  return std::make_unique<SupportVectorMachine>(parameters, seed);
}

}  // namespace genrewise
