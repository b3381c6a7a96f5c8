// Preprocessing of features before a classifier: standardisation and principal components.
//
//     Preprocessor preprocessor(PreprocessingConfig{.pca_components = 50});
//     preprocessor.fit(training);
//     const Matrix prepared = preprocessor.transform(test);
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/matrix.hpp"
#include "genrewise/base/random.hpp"

namespace genrewise {

class TensorArchive;

enum class PcaSolver { automatic, exact, randomised };

struct PreprocessingConfig {
  bool standardise = true;         ///< each column to mean 0 and variance 1, as scikit-learn's StandardScaler
  std::size_t pca_components = 0;  ///< 0: no PCA, unless pca_variance is set; at most min(rows, columns)
  double pca_variance = 0;  ///< in (0, 1): the smallest number of components that explain this share of the variance
  bool pca_whiten = false;  ///< components scaled to variance 1
  /// exact: eigenvectors of the smaller of the covariance and the Gram matrix. randomised: Halko, Martinsson and Tropp
  /// (2011), with four power iterations. automatic: randomised where the smaller side is above 2,000 and fewer than a
  /// fifth as many components are requested.
  PcaSolver pca_solver = PcaSolver::automatic;
  std::uint64_t seed = kDefaultSeed;  ///< for the randomised solver
  friend bool operator==(const PreprocessingConfig&, const PreprocessingConfig&) = default;
};

/// Fitted on the training part and applied to every part. A default-constructed one changes nothing.
class Preprocessor {
 public:
  Preprocessor() : Preprocessor(PreprocessingConfig{.standardise = false}) {}
  /// Throws Error for an invalid configuration.
  explicit Preprocessor(PreprocessingConfig config);

  const PreprocessingConfig& config() const { return config_; }
  /// Throws Error for an empty table, a value that is not finite (names its row and column) and for more components
  /// than the data has. A constant column gets scale 1 and becomes 0.
  /// `offsets`, here and in transform(): per column, what was subtracted from the numbers (FeatureTable::offsets);
  /// empty for nothing. The mean is that of the numbers with the offsets, so that tables with other offsets can be
  /// transformed. With offsets, the columns are centred even if they are not standardised.
  void fit(const Matrix& examples, std::span<const double> offsets = {});
  /// rows x output_columns(). Takes the table by value: move it if it is no longer needed. Throws Error when the number
  /// of columns differs from the one it was fitted on.
  Matrix transform(Matrix examples, std::span<const double> offsets = {}) const;

  /// Columns of the data it was fitted on; 0 before, and for one that changes nothing.
  std::size_t input_columns() const { return input_columns_; }
  std::size_t output_columns() const { return components_.empty() ? input_columns_ : components_.rows(); }
  /// Share of the variance that each component explains; empty without PCA.
  const std::vector<double>& explained_variance_ratio() const { return explained_variance_ratio_; }
  /// components x columns, each row of norm 1, its largest entry positive; empty without PCA.
  const Matrix& components() const { return components_; }
  const std::vector<double>& mean() const { return mean_; }
  const std::vector<double>& scale() const { return scale_; }

  /// The complete state, including the configuration, under names that start with `prefix`.
  void save(TensorArchive& archive, const std::string& prefix) const;
  void load(const TensorArchive& archive, const std::string& prefix);

 private:
  void standardise(Matrix& examples, std::span<const double> offsets) const;
  void fit_components(Matrix examples);

  PreprocessingConfig config_;
  std::size_t input_columns_ = 0;
  std::vector<double> mean_, scale_;  // of standardisation or centring; empty for neither
  Matrix components_;
  std::vector<double> pca_mean_, explained_variance_, explained_variance_ratio_;
};

}  // namespace genrewise
