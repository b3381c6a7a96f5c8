// Linear and quadratic discriminant analysis, as scikit-learn's with the "svd" solver, or "lsqr" with shrinkage: normal
// class distributions with a shared covariance, or one each; covariances divide by the number of examples, as
// scikit-learn 1.9.
#include <algorithm>
#include <cmath>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classical/linear_loss.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

using blas::View;

constexpr std::size_t kMostColumns = 20'000;  // a covariance of 3.2 GB

void require_few_columns(const Matrix& examples, const char* kind) {
  if (examples.cols() > kMostColumns)
    throw Error(
        "needs the covariance of all columns, and " + std::to_string(examples.cols()) + " are too many for that", kind,
        "reduce them to at most " + std::to_string(kMostColumns) + " by PCA");
}

Matrix rows_of_class(const Matrix& examples, std::span<const int> classes, std::size_t c) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < classes.size(); ++i)
    if (classes[i] == static_cast<int>(c)) rows.push_back(i);
  return examples.select_rows(rows);
}

/// Replaces the n x n covariance of `examples` around `mean` by (1 - s) covariance + s * (mean variance) * identity.
void shrink(std::vector<double>& covariance, std::size_t n, double s) {
  double trace = 0;
  for (std::size_t j = 0; j < n; ++j) trace += covariance[j * n + j];
  for (double& value : covariance) value *= 1 - s;
  for (std::size_t j = 0; j < n; ++j) covariance[j * n + j] += s * trace / static_cast<double>(n);
}

/// Shrinkage that minimises the expected squared error of the covariance (Ledoit and Wolf, 2004), in 0..1. `scale`
/// divides the centred columns; `covariance` is of these scaled columns.
double ledoit_wolf(const Matrix& examples, std::span<const double> mean, std::span<const double> scale,
                   const std::vector<double>& covariance) {
  const std::size_t cols = examples.cols();
  double fourth = 0, squares = 0, trace = 0;
  for (std::size_t i = 0; i < examples.rows(); ++i) {
    double length = 0;
    for (std::size_t j = 0; j < cols; ++j) {
      const double value = (examples(i, j) - mean[j]) / scale[j];
      length += value * value;
    }
    fourth += length * length;
  }
  for (const double value : covariance) squares += value * value;
  for (std::size_t j = 0; j < cols; ++j) trace += covariance[j * cols + j];
  const auto n = static_cast<double>(examples.rows()), p = static_cast<double>(cols);
  const double distance = (squares - trace * trace / p) / p;
  const double error = std::min((fourth / n - squares) / (p * n), distance);
  return error > 0 && distance > 0 ? error / distance : 0;
}

class LinearDiscriminant final : public ClassicalClassifier {
 public:
  explicit LinearDiscriminant(const ParameterValues& given)
      : ClassicalClassifier(linear_discriminant(), given), tolerance_(read().number("tol")) {
    automatic_ = read().is("shrinkage", "auto");
    shrinkage_ = automatic_ || read().is("shrinkage", "none") ? 0 : read().number("shrinkage");
  }

 private:
  void fit_classes(const Matrix& examples, std::span<const int> classes, int class_count) override {
    require_few_columns(examples, "lda");
    const auto count = static_cast<std::size_t>(class_count);
    const std::size_t cols = examples.cols(), n = examples.rows();
    if (n <= count) throw Error("needs more examples than labels", "lda");
    std::vector<double> covariance(cols * cols), means;
    std::vector<std::size_t> sizes;
    for (std::size_t c = 0; c < count; ++c) {
      const Matrix own = rows_of_class(examples, classes, c);
      const auto moments = blas::column_moments(own);
      auto part = blas::scatter(own, moments.mean);
      regularise(part, own, moments);
      for (std::size_t k = 0; k < part.size(); ++k) covariance[k] += part[k] / static_cast<double>(n);
      means.insert(means.end(), moments.mean.begin(), moments.mean.end());
      sizes.push_back(own.rows());
    }
    set_weights(means, sizes, covariance, n);
  }

  /// `scatter`: of the rows of one class.
  void regularise(std::vector<double>& scatter, const Matrix& own, const blas::Moments& moments) const {
    const std::size_t cols = own.cols();
    if (!automatic_) {
      if (shrinkage_ > 0) shrink(scatter, cols, shrinkage_);
      return;
    }
    // As scikit-learn: on columns scaled by their deviation in the class.
    const auto n = static_cast<double>(own.rows());
    std::vector<double> scale(cols);
    std::ranges::transform(moments.variance, scale.begin(), [](double v) { return v > 0 ? std::sqrt(v) : 1; });
    const auto rescale = [&](auto factor) {
      for (std::size_t i = 0; i < cols; ++i)
        for (std::size_t j = 0; j < cols; ++j) scatter[i * cols + j] *= factor(scale[i] * scale[j]);
    };
    rescale([&](double both) { return 1 / (both * n); });
    shrink(scatter, cols, ledoit_wolf(own, moments.mean, scale, scatter));
    rescale([&](double both) { return both * n; });
  }

  /// Replaces each vector by covariance^-1 times it; directions without variance are left out.
  void solve(std::vector<double>& covariance, std::vector<std::vector<double>>& vectors) const {
    const std::size_t cols = columns();
    if (automatic_ || shrinkage_ > 0) {
      auto factored = covariance;
      if (blas::solve_positive(factored, cols, vectors)) return;
    }
    std::vector<double> deviation(cols);
    for (std::size_t j = 0; j < cols; ++j) {
      const double variance = covariance[j * cols + j];
      deviation[j] = variance > 0 ? std::sqrt(variance) : 1;
    }
    for (std::size_t i = 0; i < cols; ++i)
      for (std::size_t j = 0; j < cols; ++j) covariance[i * cols + j] /= deviation[i] * deviation[j];
    const auto values = blas::eigen_symmetric(covariance, cols);
    for (std::vector<double>& vector : vectors) {
      std::vector<double> solution(cols);
      for (std::size_t k = 0; k < cols; ++k) {
        if (!(values[k] > 0) || std::sqrt(values[k]) <= tolerance_) continue;
        double length = 0;
        for (std::size_t j = 0; j < cols; ++j) length += covariance[k * cols + j] * vector[j] / deviation[j];
        for (std::size_t j = 0; j < cols; ++j)
          solution[j] += length / values[k] * covariance[k * cols + j] / deviation[j];
      }
      vector = std::move(solution);
    }
  }

  /// log p(c | x) is w_c . (x - m) - w_c . (m_c - m) / 2 + log prior with w_c = covariance^-1 (m_c - m), plus a term
  /// common to all classes.
  void set_weights(const std::vector<double>& means, const std::vector<std::size_t>& sizes,
                   std::vector<double>& covariance, std::size_t n) {
    const std::size_t cols = columns();
    std::vector<double> centre(cols);
    for (std::size_t c = 0; c < sizes.size(); ++c)
      for (std::size_t j = 0; j < cols; ++j)
        centre[j] += means[c * cols + j] * static_cast<double>(sizes[c]) / static_cast<double>(n);
    std::vector<std::vector<double>> solutions(sizes.size(), std::vector<double>(cols));
    for (std::size_t c = 0; c < sizes.size(); ++c)
      for (std::size_t j = 0; j < cols; ++j) solutions[c][j] = means[c * cols + j] - centre[j];
    solve(covariance, solutions);
    scores_ = {sizes.size(), cols, std::vector<double>(sizes.size() * (cols + 1))};
    for (std::size_t c = 0; c < sizes.size(); ++c) {
      double* weights = scores_.weights.data() + c * (cols + 1);
      double intercept = std::log(static_cast<double>(sizes[c]) / static_cast<double>(n));
      for (std::size_t j = 0; j < cols; ++j) {
        weights[j] = solutions[c][j];
        intercept -= weights[j] * (means[c * cols + j] + centre[j]) / 2;
      }
      weights[cols] = intercept;
    }
  }

  Matrix probabilities(const Matrix& examples) const override {
    Matrix scores = scores_.of(examples);
    std::vector<double> row(scores.cols());
    for (std::size_t i = 0; i < scores.rows(); ++i) {
      std::ranges::copy(scores.row(i), row.begin());
      softmax_row(row, scores.row(i));
    }
    return scores;
  }

  Matrix decision_values(const Matrix& examples) const override {
    if (class_count() > 2) return scores_.of(examples);
    LinearScores second_less_first{1, columns(), std::vector<double>(columns() + 1)};
    for (std::size_t j = 0; j <= columns(); ++j)
      second_less_first.weights[j] = scores_.weights[columns() + 1 + j] - scores_.weights[j];
    return second_less_first.of(examples);
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    archive.put(prefix + "weights", scores_.weights, {scores_.outputs, scores_.columns + 1});
  }
  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    const auto count = static_cast<std::size_t>(class_count());
    scores_ = {count, columns(), archive.doubles(prefix + "weights", count * (columns() + 1))};
  }

  double tolerance_, shrinkage_ = 0;
  bool automatic_ = false;  // shrinkage by Ledoit and Wolf's estimate
  LinearScores scores_;
};

class QuadraticDiscriminant final : public ClassicalClassifier {
 public:
  explicit QuadraticDiscriminant(const ParameterValues& given)
      : ClassicalClassifier(quadratic_discriminant(), given),
        regularisation_(read().number("reg_param")),
        tolerance_(read().number("tol")) {}

 private:
  void fit_classes(const Matrix& examples, std::span<const int> classes, int class_count) override {
    require_few_columns(examples, "qda");
    const std::size_t cols = examples.cols();
    whitening_.clear();
    mean_.clear();
    constant_.clear();
    for (std::size_t c = 0; c < static_cast<std::size_t>(class_count); ++c) {
      const Matrix own = rows_of_class(examples, classes, c);
      if (own.rows() < 2)
        throw Error("needs at least two examples of every label, and class " + std::to_string(c) + " has one", "qda");
      const auto mean = blas::column_moments(own).mean;
      auto covariance = blas::scatter(own, mean);
      for (double& value : covariance) value /= static_cast<double>(own.rows());
      const auto variances = blas::eigen_symmetric(covariance, cols);
      double constant = std::log(static_cast<double>(own.rows()) / static_cast<double>(classes.size()));
      Matrix whitening(cols, cols);
      for (std::size_t k = 0; k < cols; ++k) {
        const double variance = (1 - regularisation_) * std::max(variances[k], 0.0) + regularisation_;
        if (!(variance > tolerance_))
          throw Error("the covariance of class " + std::to_string(c) + " (" + std::to_string(own.rows()) +
                          " examples, " + std::to_string(cols) + " columns) is singular",
                      "qda", "raise reg_param (0 to 1), or reduce the columns by PCA");
        constant -= 0.5 * std::log(variance);
        for (std::size_t j = 0; j < cols; ++j)
          whitening(k, j) = static_cast<float>(covariance[k * cols + j] / std::sqrt(variance));
      }
      whitening_.push_back(std::move(whitening));
      mean_.insert(mean_.end(), mean.begin(), mean.end());
      constant_.push_back(constant);
    }
  }

  Matrix probabilities(const Matrix& examples) const override {
    return finished(examples, constant_.size(), softmax_row);
  }
  Matrix decision_values(const Matrix& examples) const override {
    return finished(examples, decision_columns(), decision_row);
  }

  /// `finish` writes a row of the result from the log posteriors, but for a constant, of an example.
  template <class Finish>
  Matrix finished(const Matrix& examples, std::size_t result_columns, Finish finish) const {
    const std::size_t cols = columns();
    Matrix result(examples.rows(), result_columns);
    blas::for_blocks(examples.rows(), 256, [&](std::size_t first, std::size_t count) {
      Matrix centred(count, cols), white(count, cols);
      std::vector<double> scores(count * constant_.size());
      for (std::size_t c = 0; c < constant_.size(); ++c) {
        for (std::size_t i = 0; i < count; ++i)
          for (std::size_t j = 0; j < cols; ++j)
            centred(i, j) = static_cast<float>(examples(first + i, j) - mean_[c * cols + j]);
        blas::multiply(blas::Form::nt, 1.0f, centred, whitening_[c], 0.0f, white);
        for (std::size_t i = 0; i < count; ++i)
          scores[i * constant_.size() + c] = constant_[c] - 0.5 * blas::dot(white.row(i), white.row(i));
      }
      for (std::size_t i = 0; i < count; ++i)
        finish(std::span<const double>(scores).subspan(i * constant_.size(), constant_.size()), result.row(first + i));
    });
    return result;
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    for (std::size_t c = 0; c < whitening_.size(); ++c)
      archive.put(prefix + "whitening." + std::to_string(c), whitening_[c]);
    archive.put(prefix + "mean", mean_, {whitening_.size(), columns()});
    archive.put(prefix + "constant", constant_);
  }

  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    const auto count = static_cast<std::size_t>(class_count());
    whitening_.clear();
    for (std::size_t c = 0; c < count; ++c) {
      whitening_.push_back(archive.matrix(prefix + "whitening." + std::to_string(c), columns()));
      if (whitening_.back().rows() != columns()) throw Error("a covariance is not square", archive.name());
    }
    mean_ = archive.doubles(prefix + "mean", count * columns());
    constant_ = archive.doubles(prefix + "constant", count);
  }

  double regularisation_, tolerance_;
  std::vector<Matrix> whitening_;  // per class, columns x columns: covariance^(-1/2), one axis per row
  std::vector<double> mean_, constant_;
};

}  // namespace

const ClassifierDescriptor& linear_discriminant() {
  static const ClassifierDescriptor descriptor = {
      .kind = "lda",
      .title = "Linear discriminant analysis",
      .summary = "normal classes with one covariance, as scikit-learn's LinearDiscriminantAnalysis (svd, lsqr)",
      .parameters = {parameter::number("shrinkage", "none", between(0, 1),
                                       "shrinkage of the covariance towards a multiple of the unit matrix")
                         .or_word({"none", "auto"})
                         .searched("none,auto,0.1,0.5", Simpler::larger),
                     parameter::number("tol", "1e-4", above(0),
                                       "directions with a smaller standard deviation are dropped")},
      .presets = {{"lda-pca", "LDA, PCA", {{"pca_variance", "0.9999"}}, {"shrinkage=none,0.1,0.5"}}},
      .capabilities = {.scores = true},
      .make = [](const ParameterValues& given, std::uint64_t) { return std::make_unique<LinearDiscriminant>(given); }};
  return descriptor;
}

const ClassifierDescriptor& quadratic_discriminant() {
  static const ClassifierDescriptor descriptor = {
      .kind = "qda",
      .title = "Quadratic discriminant analysis",
      .summary = "normal classes with a covariance each, as scikit-learn's QuadraticDiscriminantAnalysis (svd)",
      .parameters = {parameter::number("reg_param", "0.0", between(0, 1),
                                       "shrinkage of the covariances towards the unit matrix")
                         .searched("0,0.01,0.1,0.5"),
                     parameter::number("tol", "1e-4", above(0), "a variance below it makes a covariance singular")},
      .capabilities = {.scores = true},
      .make = [](const ParameterValues& given, std::uint64_t) {
        return std::make_unique<QuadraticDiscriminant>(given);
      }};
  return descriptor;
}

}  // namespace genrewise
