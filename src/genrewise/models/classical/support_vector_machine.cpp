// Support vector machine, as libsvm's C-SVC that scikit-learn's SVC wraps: one machine for each pair of classes on a
// shared kernel matrix; decision by votes. Probabilities by Platt's sigmoids on five-fold cross-validated decision
// values, with pairwise coupling (Wu, Lin and Weng 2004), as libsvm; unlike there, folds are stratified and seeded.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classical/kernel.hpp"
#include "genrewise/models/classical/svm_pairs.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

using blas::View;

constexpr std::size_t kQueryBlock = 128;
constexpr double kLeastPairProbability = 1e-7;  // libsvm's

class SupportVectorMachine final : public ClassicalClassifier {
 public:
  SupportVectorMachine(const ParameterValues& given, std::uint64_t seed)
      : ClassicalClassifier(support_vector_machine(), given),
        seed_(seed),
        c_(read().number("C")),
        probability_(read().flag("probability")) {
    kernel_.kind = chosen<KernelKind>("kernel");
    kernel_.degree = static_cast<int>(read().integer("degree"));
    kernel_.coef0 = read().number("coef0");
    if (!read().is("gamma", "scale") && !read().is("gamma", "auto")) kernel_.gamma = read().number("gamma");
    smo_.is_positive = kernel_.kind != KernelKind::sigmoid && (kernel_.kind != KernelKind::poly || kernel_.coef0 >= 0);
    smo_.tolerance = read().number("tol");
    smo_.most_steps = read().integer("max_iter");
    cache_bytes_ = static_cast<std::size_t>(read().number("cache_size") * 1e6);
  }

 private:
  void fit_classes(const Matrix& examples, std::span<const int> classes, int class_count) override {
    choose_gamma(examples);
    SortedExamples sorted = sort_by_class(examples, classes, class_count);
    auto bounds = class_weights(classes);
    for (double& bound : bounds) bound *= c_;
    const PairProblems problems{kernel_, smo_, cache_bytes_, probability_, seed_};
    const auto results = solve_pairs(problems, sorted, bounds, [&] { return whole_kernel(examples, classes, sorted); });
    iterations_.clear();
    for (const PairMachine& machine : results) iterations_.push_back(machine.steps);
    keep_support_vectors(std::move(sorted), results);
  }

  bool is_centred() const { return kernel_.kind == KernelKind::rbf; }

  std::string kernels_topic() const { return is_centred() ? "svm kernels, centred" : "svm kernels"; }

  void announce(SharedWork& work) const override {
    work.announce(kernels_topic(), fmt::format("{} {} {} {}", read().text("kernel"), read().text("gamma"),
                                               kernel_.coef0, kernel_.degree));
  }

  /// The kernel matrix of all examples, sorted by class. Where it is shared and other kernels have been announced, the
  /// products that it is computed from are shared as well.
  std::shared_ptr<const SquareMatrix> whole_kernel(const Matrix& examples, std::span<const int> classes,
                                                   const SortedExamples& sorted) const {
    const auto make = [&](const Kernel& kernel) {
      return [&, kernel] { return kernel_of(kernel, {sorted.rows, sorted.squared_norm}); };
    };
    const auto work = shared_work();
    const auto table = work ? work->name_of(examples) : std::nullopt;
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

  SortedExamples sort_by_class(const Matrix& examples, std::span<const int> classes, int class_count) {
    SortedExamples sorted;
    const auto sizes = class_sizes(classes, class_count);
    sorted.start.assign(1, 0);
    for (std::size_t size : sizes) sorted.start.push_back(sorted.start.back() + size);
    std::vector<std::size_t> next(sorted.start.begin(), sorted.start.end() - 1), order(classes.size());
    for (std::size_t i = 0; i < classes.size(); ++i) order[next[static_cast<std::size_t>(classes[i])]++] = i;
    sorted.rows = examples.select_rows(order);
    centre_.clear();
    if (is_centred()) {  // distances are unchanged; smaller norms lose less precision in float
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

  void keep_support_vectors(SortedExamples sorted, const std::vector<PairMachine>& results) {
    const auto pairs = all_pairs(sorted.start.size() - 1);
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

  /// Derives what predictions use from the support vectors and their coefficients.
  void prepare_decisions() {
    squared_norm_ = squared_norms(support_);
    normals_ = Matrix();
    if (kernel_.kind != KernelKind::linear) return;
    constexpr std::size_t kMostNormals = std::size_t{1} << 24;  // a model may state more than its file has bytes
    const std::size_t pairs = coefficients_.cols();
    if (pairs > support_.rows() && pairs * support_.cols() > kMostNormals) return;
    const std::vector<double> sums = blas::product_tn(coefficients_, support_);
    normals_ = Matrix(coefficients_.cols(), support_.cols(), {sums.begin(), sums.end()});
  }

  /// examples x pairs; above 0 means the pair's first class.
  Matrix decisions(const Matrix& examples) const {
    Matrix result(examples.rows(), rho_.size());
    blas::for_blocks(examples.rows(), kQueryBlock, [&](std::size_t first, std::size_t count) {
      std::vector<std::size_t> rows(count);
      std::iota(rows.begin(), rows.end(), first);
      Matrix block = examples.select_rows(rows);
      subtract_centre(block);
      const View<float> out = View<float>(result).rows_from(first, count);
      if (!normals_.empty()) {
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

  Predictions decide_with_probabilities(const Matrix& examples) const override {
    const Matrix decided = decisions(examples);
    return {row_argmax(votes(decided)), probabilities_of(decided)};
  }

  Matrix probabilities(const Matrix& examples) const override { return probabilities_of(decisions(examples)); }

  /// Votes, and within the same number of votes the sum of the pairs' decisions, as scikit-learn's shape "ovr".
  Matrix decision_values(const Matrix& examples) const override {
    Matrix decided = decisions(examples);
    if (class_count() == 2) {
      for (float& value : decided.values()) value = -value;
      return decided;
    }
    Matrix result = votes(decided);
    const auto pairs = all_pairs(result.cols());
    std::vector<double> sums(result.cols());
    for (std::size_t i = 0; i < decided.rows(); ++i) {
      std::ranges::fill(sums, 0.0);
      for (std::size_t p = 0; p < pairs.size(); ++p) {
        sums[pairs[p].first] += decided(i, p);
        sums[pairs[p].second] -= decided(i, p);
      }
      for (std::size_t c = 0; c < sums.size(); ++c)
        result(i, c) += static_cast<float>(sums[c] / (3 * (std::abs(sums[c]) + 1)));
    }
    return result;
  }

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
    archive.put(prefix + "support_vectors", support_);
    archive.put(prefix + "dual_coefficients", coefficients_);
    archive.put(prefix + "rho", rho_);
    save_sigmoids(sigmoids_, archive, prefix);
    archive.put(prefix + "gamma", std::vector<double>{kernel_.gamma});
    archive.put(prefix + "centre", centre_);
  }

  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    const auto classes = static_cast<std::size_t>(class_count());
    const std::size_t pairs = classes * (classes - 1) / 2;
    rho_ = archive.doubles(prefix + "rho", pairs);
    support_ = archive.matrix(prefix + "support_vectors", columns());
    coefficients_ = archive.matrix(prefix + "dual_coefficients", pairs);
    if (support_.rows() == 0 || coefficients_.rows() != support_.rows())
      throw Error("the numbers of support vectors and coefficients differ, or are 0", archive.name());
    sigmoids_ = load_sigmoids(pairs, archive, prefix);
    kernel_.gamma = archive.number(prefix + "gamma");
    if (kernel_.gamma <= 0) throw Error("the width of the kernel is not above 0", archive.name());
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
  Matrix coefficients_;        // support vectors x pairs: alpha y, 0 where the class is not in the pair
  std::vector<float> squared_norm_;
  Matrix normals_;  // pairs x columns: weight vectors of a linear kernel, unless larger than support_; else empty
  std::vector<double> rho_;
  std::vector<Sigmoid> sigmoids_;
};

}  // namespace

const ClassifierDescriptor& support_vector_machine() {
  const auto preset = [](const char* kernel, const char* title, const char* axis) {
    return ModelPreset{std::string("svm-") + kernel, title, {{"kernel", kernel}}, {axis}, true};
  };
  static const ClassifierDescriptor descriptor = {
      .kind = "svm",
      .title = "Support vector machine",
      .summary = "one machine for each pair of classes, as scikit-learn's SVC (libsvm)",
      .parameters = {parameter::number("C", "1.0", above(0), "bound of the dual coefficients; inverse penalty")
                         .searched("log:-2:3:11", Simpler::smaller),
                     parameter::choice("kernel", "rbf", {"linear", "poly", "rbf", "sigmoid"}, "kernel function")
                         .searched("linear,poly,rbf,sigmoid"),
                     parameter::integer("degree", "3", between(0, 100), "degree of the polynomial kernel")
                         .searched("2,3,4", Simpler::smaller),
                     parameter::number("gamma", "scale", above(0),
                                       "width of the kernel; scale: 1 / (columns * variance), auto: 1 / columns")
                         .or_word({"scale", "auto"})
                         .searched("scale,auto,1e-4,1e-3,1e-2"),
                     parameter::number("coef0", "0.0", any_number(), "constant of the polynomial and sigmoid kernels"),
                     parameter::number("tol", "1e-3", above(0), "largest violation of the optimality conditions"),
                     parameter::integer("max_iter", "-1", at_least(-1),
                                        "maximum number of solver iterations; -1 or 0: no limit"),
                     class_weight_parameter(),
                     parameter::boolean("probability", "true", "calibrated probabilities instead of shares of votes"),
                     parameter::number("cache_size", "4000", between(1, 1e9), "megabytes for kernel values")},
      .searches = {{"study", {"kernel=linear,poly,rbf,sigmoid"}},
                   {"wide", {"C=log:-2:3:11", "gamma=scale,auto,1e-4,1e-3,1e-2"}}},
      .presets = {preset("linear", "SVM, linear kernel", "C=0.001,0.01,0.1,1"),
                  preset("poly", "SVM, polynomial kernel", "C=0.1,1,10"),
                  preset("rbf", "SVM, RBF kernel", "C=0.1,1,10"),
                  preset("sigmoid", "SVM, sigmoid kernel", "C=0.1,1,10")},
      .capabilities = {.scores = true},
      .make = [](const ParameterValues& given, std::uint64_t seed) {
        return std::make_unique<SupportVectorMachine>(given, seed);
      }};
  return descriptor;
}

}  // namespace genrewise
