// A point of a grid: what is done to the features, and the classifier's own parameters.
#pragma once

#include <string>
#include <vector>

#include "genrewise/models/model_spec.hpp"
#include "genrewise/models/preprocessing.hpp"

namespace genrewise {

/// Every combination of the axes' values over `fixed`, the last axis fastest; `fixed` alone without axes.
std::vector<Parameters> grid_points(const Parameters& fixed, const std::vector<GridAxis>& axes);

/// Parameters that any model may have beside its classifier's: features (names of groups of columns, joined by "+"),
/// standardise, pca_components, pca_variance, pca_whiten. No classifier has a parameter of such a name.
const std::vector<ParameterDescriptor>& preparing_parameters();

/// A point's parameters in two.
struct Point {
  Parameters preparing, learning;
  explicit Point(const Parameters& all);
};

/// "all" where the point names no features.
std::string features_of(const Point& point);

/// The configuration that the point asks for; what it does not name is as in `base`. Throws Error for a value that is
/// not allowed.
PreprocessingConfig preprocessing_of(const Point& point, PreprocessingConfig base);

/// How complex a point is among the axes that it was taken from, for the one-standard-error rule: the sum over the
/// axes of the value's rank from the simplest, as a share. The parameters' descriptors say which values are simpler
/// (no PCA, 0 components, counts as the most components). `kind` may be unknown: then what was named first is simpler.
double complexity(std::string_view kind, const Parameters& point, const std::vector<GridAxis>& axes);

}  // namespace genrewise
