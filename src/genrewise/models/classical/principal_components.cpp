#include "genrewise/models/classical/principal_components.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "genrewise/models/classical/blas.hpp"

namespace genrewise {
namespace {

using blas::Form;
using blas::View;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::size_t kLargestExactSide = 2000;
constexpr std::size_t kOversampling = 10;
constexpr int kPowerIterations = 4;

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

/// Replaces the columns by an orthonormal basis of their span (Householder QR in double).
void orthonormalise_columns(Matrix& matrix) {
  const auto rows = static_cast<Eigen::Index>(matrix.rows()), cols = static_cast<Eigen::Index>(matrix.cols());
  using RowMajorFloat = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::Map<RowMajorFloat> map(matrix.data(), rows, cols);
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(map.cast<double>());
  map = (qr.householderQ() * Eigen::MatrixXd::Identity(rows, cols)).cast<float>();
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

}  // namespace

PrincipalComponents principal_components(const Matrix& centred, const PreprocessingConfig& config) {
  PrincipalComponents result = use_randomised(centred, config) ? randomised(centred, config) : exact(centred, config);
  fix_signs(result.components);
  const double divisor = centred.rows() > 1 ? static_cast<double>(centred.rows() - 1) : 1;
  for (double& value : result.variance) value /= divisor;
  result.total_variance /= divisor;
  return result;
}

}  // namespace genrewise
