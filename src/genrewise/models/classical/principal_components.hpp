// Principal component analysis of a centred table.
#pragma once

#include <vector>

#include "genrewise/base/matrix.hpp"
#include "genrewise/models/preprocessing.hpp"

namespace genrewise {

struct PrincipalComponents {
  Matrix components;             ///< components x columns, rows of norm 1, the largest entry of each positive
  std::vector<double> variance;  ///< of each component, largest first; divides by rows - 1, as scikit-learn
  double total_variance = 0;     ///< of all columns together
};

/// The solver and the number of components follow the configuration. `centred`: columns have mean 0.
PrincipalComponents principal_components(const Matrix& centred, const PreprocessingConfig& config);

}  // namespace genrewise
