#include "genrewise/models/preprocessing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classical/principal_components.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

const std::string kWhere = "preprocessing";
constexpr std::size_t kRowBlock = 256;

/// scikit-learn's rule: a variance within rounding error counts as zero.
bool is_constant(double mean, double variance, std::size_t rows) {
  const double n = static_cast<double>(rows), eps = std::numeric_limits<double>::epsilon();
  return variance <= n * eps * variance + (n * mean * eps) * (n * mean * eps);
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
