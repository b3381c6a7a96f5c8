#include "genrewise/models/preprocessing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

using blas::Form;

constexpr std::size_t kLargestExactSide = 2000;
constexpr std::size_t kOversampling = 10;
constexpr int kPowerIterations = 4;
const std::string kWhere = "preprocessing";
constexpr std::size_t kRowBlock = 256;

/// scikit-learn's rule: a variance within rounding error counts as zero.
bool is_constant(double mean, double variance, std::size_t rows) {
  const double n = static_cast<double>(rows), eps = std::numeric_limits<double>::epsilon();
  return variance <= n * eps * variance + (n * mean * eps) * (n * mean * eps);
}

struct PrincipalComponents {
  Matrix components;             // components x columns, rows of norm 1, the largest entry of each positive
  std::vector<double> variance;  // of each component, largest first; divides by rows - 1, as scikit-learn
  double total_variance = 0;     // of all columns together
};

double sum_of_squares(const Matrix& matrix) {
  double sum = 0;
  for (std::size_t i = 0; i < matrix.rows(); ++i) sum += blas::dot(matrix.row(i), matrix.row(i));
  return sum;
}

/// The number of components that the configuration selects, from the eigenvalues (largest first).
std::size_t selected_components(const std::vector<double>& eigenvalues, double total,
                                const PreprocessingConfig& config) {
  if (config.pca_components > 0) return config.pca_components;
  double explained = 0;
  for (std::size_t k = 0; k < eigenvalues.size(); ++k) {
    explained += eigenvalues[k];
    if (explained > config.pca_variance * total) return k + 1;
  }
  return eigenvalues.size();
}

void fix_signs(Matrix& components) {
  for (std::size_t k = 0; k < components.rows(); ++k) {
    const auto row = components.row(k);
    const float largest = *std::ranges::max_element(row, {}, [](float value) { return std::abs(value); });
    if (largest < 0)
      for (float& value : row) value = -value;
  }
}

void normalise_rows(Matrix& rows) {
  for (std::size_t k = 0; k < rows.rows(); ++k) {
    const auto row = rows.row(k);
    const double length = std::sqrt(blas::dot(row, row));
    if (length > 0)
      for (float& value : row) value = static_cast<float>(value / length);
  }
}

std::vector<double> gram_of_rows_in_double(const Matrix& rows) {
  const Matrix gram = blas::gram_of_rows(rows);
  return {gram.values().begin(), gram.values().end()};
}

PrincipalComponents exact(const Matrix& centred, const PreprocessingConfig& config) {
  const bool tall = centred.rows() >= centred.cols();
  const std::size_t n = tall ? centred.cols() : centred.rows();
  blas::require_eigen_size(n);
  std::vector<double> vectors = tall ? blas::gram_of_columns(centred) : gram_of_rows_in_double(centred);
  std::vector<double> values = blas::eigen_symmetric(vectors, n);
  std::ranges::reverse(values);
  for (double& value : values) value = std::max(value, 0.0);

  PrincipalComponents result;
  result.total_variance = sum_of_squares(centred);
  const std::size_t count = selected_components(values, result.total_variance, config);
  Matrix top(count, n);
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t j = 0; j < n; ++j) top(k, j) = static_cast<float>(vectors[(n - 1 - k) * n + j]);
  result.components = tall ? std::move(top) : blas::product(Form::nn, top, centred);
  if (!tall) normalise_rows(result.components);
  values.resize(count);
  result.variance = std::move(values);
  return result;
}

/// Replaces the columns by an orthonormal basis of their span.
void orthonormalise_columns(Matrix& matrix) {
  const std::size_t rows = matrix.rows();
  std::vector<double> columns(rows * matrix.cols());
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < matrix.cols(); ++j) columns[j * rows + i] = matrix(i, j);
  blas::orthonormalise(columns, rows);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < matrix.cols(); ++j) matrix(i, j) = static_cast<float>(columns[j * rows + i]);
}

Matrix as_matrix(const std::vector<double>& values, std::size_t rows, std::size_t cols) {
  return Matrix(rows, cols, {values.begin(), values.end()});
}

PrincipalComponents randomised(const Matrix& centred, const PreprocessingConfig& config) {
  const std::size_t width = std::min(config.pca_components + kOversampling, std::min(centred.rows(), centred.cols()));
  Matrix directions(centred.cols(), width);
  Rng rng(derive_seed(config.seed, "randomised PCA"));
  for (float& value : directions.values()) value = static_cast<float>(rng.normal());
  Matrix range = blas::product(Form::nn, centred, directions);
  for (int iteration = 0; iteration < kPowerIterations; ++iteration) {
    orthonormalise_columns(range);
    directions = as_matrix(blas::product_tn(centred, range), centred.cols(), width);
    orthonormalise_columns(directions);
    range = blas::product(Form::nn, centred, directions);
  }
  orthonormalise_columns(range);
  // B = Q^T X is small: width x columns; its left singular vectors come from B B^T.
  const Matrix small = as_matrix(blas::product_tn(range, centred), width, centred.cols());
  std::vector<double> vectors = gram_of_rows_in_double(small);
  const std::vector<double> values = blas::eigen_symmetric(vectors, width);

  PrincipalComponents result;
  result.total_variance = sum_of_squares(centred);
  Matrix top(config.pca_components, width);
  for (std::size_t k = 0; k < top.rows(); ++k) {
    result.variance.push_back(std::max(values[width - 1 - k], 0.0));
    for (std::size_t j = 0; j < width; ++j) top(k, j) = static_cast<float>(vectors[(width - 1 - k) * width + j]);
  }
  result.components = blas::product(Form::nn, top, small);
  normalise_rows(result.components);
  return result;
}

bool use_randomised(const Matrix& centred, const PreprocessingConfig& config) {
  if (config.pca_solver != PcaSolver::automatic) return config.pca_solver == PcaSolver::randomised;
  const std::size_t side = std::min(centred.rows(), centred.cols());
  return config.pca_components > 0 && side > kLargestExactSide && config.pca_components * 5 < side;
}

/// The solver and the number of components follow the configuration. `centred`: columns have mean 0.
PrincipalComponents principal_components(const Matrix& centred, const PreprocessingConfig& config) {
  PrincipalComponents result = use_randomised(centred, config) ? randomised(centred, config) : exact(centred, config);
  fix_signs(result.components);
  const double divisor = centred.rows() > 1 ? static_cast<double>(centred.rows() - 1) : 1;
  for (double& value : result.variance) value /= divisor;
  result.total_variance /= divisor;
  return result;
}

}  // namespace

Preprocessor::Preprocessor(PreprocessingConfig config) : config_(config) {
  if (config.pca_components > 0 && config.pca_variance != 0)
    throw Error("a number of principal components and a share of the variance exclude each other", kWhere,
                "give one of them");
  if (!(config.pca_variance >= 0 && config.pca_variance < 1))
    throw Error("the share of the variance that principal components keep must lie between 0 and 1", kWhere);
  if (config.pca_variance > 0 && config.pca_solver == PcaSolver::randomised)
    throw Error("the randomised solver needs a number of components, not a share of the variance", kWhere);
}

void Preprocessor::fit(const Matrix& examples, std::span<const double> offsets) {
  if (examples.rows() == 0 || examples.cols() == 0) throw Error("there are no examples to fit on", kWhere);
  require_finite(examples, kWhere);
  *this = Preprocessor(config_);
  input_columns_ = examples.cols();
  if (config_.standardise) {
    blas::Moments moments = blas::column_moments(examples);
    mean_ = std::move(moments.mean);
    scale_.resize(input_columns_);
    for (std::size_t j = 0; j < input_columns_; ++j)
      scale_[j] = is_constant(mean_[j], moments.variance[j], examples.rows()) ? 1 : std::sqrt(moments.variance[j]);
    for (std::size_t j = 0; j < offsets.size(); ++j) mean_[j] += offsets[j];
  } else if (!offsets.empty()) {
    mean_.assign(offsets.begin(), offsets.end());
    scale_.assign(input_columns_, 1);
  }
  if (config_.pca_components == 0 && config_.pca_variance == 0) return;
  Matrix standardised = examples;
  standardise(standardised, offsets);
  fit_components(std::move(standardised));
}

void Preprocessor::fit_components(Matrix examples) {
  const std::size_t most = std::min(examples.rows(), examples.cols());
  if (config_.pca_components > most)
    throw Error(std::to_string(config_.pca_components) + " principal components were requested, but " +
                    std::to_string(examples.rows()) + " examples of " + std::to_string(examples.cols()) +
                    " columns have at most " + std::to_string(most),
                kWhere, "request fewer");
  pca_mean_ = blas::column_moments(examples).mean;
  blas::for_blocks(examples.rows(), kRowBlock, [&](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i)
      for (std::size_t j = 0; j < examples.cols(); ++j) examples(i, j) -= static_cast<float>(pca_mean_[j]);
  });
  PrincipalComponents found = principal_components(examples, config_);
  components_ = std::move(found.components);
  explained_variance_ = std::move(found.variance);
  explained_variance_ratio_.resize(explained_variance_.size());
  const double total = found.total_variance > 0 ? found.total_variance : 1;
  std::ranges::transform(explained_variance_, explained_variance_ratio_.begin(), [&](double v) { return v / total; });
}

void Preprocessor::standardise(Matrix& examples, std::span<const double> offsets) const {
  if (mean_.empty() && offsets.empty()) return;
  std::vector<double> centre(examples.cols(), 0), factor(examples.cols(), 1);
  std::ranges::copy(mean_, centre.begin());
  for (std::size_t j = 0; j < offsets.size(); ++j) centre[j] -= offsets[j];
  std::ranges::transform(scale_, factor.begin(), [](double scale) { return 1 / scale; });
  blas::for_blocks(examples.rows(), kRowBlock, [&](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) {
      float* row = examples.row(i).data();
      for (std::size_t j = 0; j < factor.size(); ++j) row[j] = static_cast<float>((row[j] - centre[j]) * factor[j]);
    }
  });
}

Matrix Preprocessor::transform(Matrix examples, std::span<const double> offsets) const {
  if (input_columns_ == 0) {
    if (config_ != PreprocessingConfig{.standardise = false, .seed = config_.seed})
      throw Error("has not been fitted yet", kWhere);
    standardise(examples, offsets);
    return examples;
  }
  if (examples.cols() != input_columns_)
    throw Error("was fitted on " + std::to_string(input_columns_) + " columns and cannot transform " +
                    std::to_string(examples.cols()),
                kWhere);
  standardise(examples, offsets);
  if (components_.empty()) return examples;
  // (x - mean) V^T = x V^T - mean V^T: the mean costs one row.
  Matrix projected = blas::product(blas::Form::nt, examples, components_);
  std::vector<double> offset(components_.rows()), factor(components_.rows(), 1.0);
  for (std::size_t k = 0; k < components_.rows(); ++k) {
    offset[k] = std::transform_reduce(pca_mean_.begin(), pca_mean_.end(), components_.row(k).begin(), 0.0);
    if (config_.pca_whiten) factor[k] = 1 / std::sqrt(std::max(explained_variance_[k], 1e-30));
  }
  for (std::size_t i = 0; i < projected.rows(); ++i)
    for (std::size_t k = 0; k < projected.cols(); ++k)
      projected(i, k) = static_cast<float>((projected(i, k) - offset[k]) * factor[k]);
  return projected;
}

void Preprocessor::save(TensorArchive& archive, const std::string& prefix) const {
  const auto count = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  archive.put(prefix + "config",
              std::vector<std::int64_t>{config_.standardise, count(config_.pca_components), config_.pca_whiten,
                                        static_cast<std::int64_t>(config_.pca_solver), count(config_.seed),
                                        count(input_columns_)});
  archive.put(prefix + "pca_variance", std::vector<double>{config_.pca_variance});
  if (!mean_.empty()) {
    archive.put(prefix + "mean", mean_);
    archive.put(prefix + "scale", scale_);
  }
  if (components_.empty()) return;
  archive.put(prefix + "pca_components", components_);
  archive.put(prefix + "pca_mean", pca_mean_);
  archive.put(prefix + "pca_explained_variance", explained_variance_);
  archive.put(prefix + "pca_explained_variance_ratio", explained_variance_ratio_);
}

void Preprocessor::load(const TensorArchive& archive, const std::string& prefix) {
  const auto numbers = archive.integers(prefix + "config", 6);
  const auto least_is_zero = [](std::int64_t value) { return value >= 0; };
  if (!least_is_zero(numbers[1]) || !least_is_zero(numbers[5]) || numbers[3] < 0 || numbers[3] > 2)
    throw Error("the preprocessing's values are invalid", archive.name());
  PreprocessingConfig config;
  config.standardise = numbers[0] != 0;
  config.pca_components = static_cast<std::size_t>(numbers[1]);
  config.pca_whiten = numbers[2] != 0;
  config.pca_solver = static_cast<PcaSolver>(numbers[3]);
  config.seed = static_cast<std::uint64_t>(numbers[4]);
  config.pca_variance = archive.number(prefix + "pca_variance");
  *this = Preprocessor(config);
  input_columns_ = static_cast<std::size_t>(numbers[5]);
  if (input_columns_ == 0) return;
  if (config_.standardise || archive.contains(prefix + "mean")) {
    mean_ = archive.doubles(prefix + "mean", input_columns_);
    scale_ = archive.doubles(prefix + "scale", input_columns_);
    if (std::ranges::any_of(scale_, [](double scale) { return scale <= 0; }))
      throw Error("a scale of the preprocessing is not above 0", archive.name());
  }
  if (config_.pca_components == 0 && config_.pca_variance == 0) return;
  components_ = archive.matrix(prefix + "pca_components", input_columns_);
  if (components_.rows() == 0) throw Error("the preprocessing has no principal components", archive.name());
  pca_mean_ = archive.doubles(prefix + "pca_mean", input_columns_);
  explained_variance_ = archive.doubles(prefix + "pca_explained_variance", components_.rows());
  explained_variance_ratio_ = archive.doubles(prefix + "pca_explained_variance_ratio", components_.rows());
}

}  // namespace genrewise
