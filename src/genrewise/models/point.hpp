// A point of a grid: parameters of the preprocessing and of the classifier.
#pragma once

#include <string>
#include <vector>

#include "genrewise/models/model_spec.hpp"
#include "genrewise/models/preprocessing.hpp"

namespace genrewise {

/// Every combination of the axes' values, added to `fixed`, the last axis fastest; only `fixed` without axes.
std::vector<Parameters> grid_points(const Parameters& fixed, const std::vector<GridAxis>& axes);

/// Preprocessing parameters of any model: features (names of groups of columns, joined by "+"), standardise,
/// pca_components, pca_variance, pca_whiten. No classifier has a parameter of such a name.
const std::vector<ParameterDescriptor>& preprocessing_parameters();

/// A point's parameters, split into those of the preprocessing and those of the classifier.
struct Point {
  Parameters preprocessing, classifier;
  explicit Point(const Parameters& all);
};

/// "all" where the point names no features.
std::string features_of(const Point& point);

/// `base` with the point's preprocessing parameters applied. Throws Error for a value that is not allowed.
PreprocessingConfig preprocessing_of(const Point& point, PreprocessingConfig base);

/// Complexity of a point among its axes, for the one-standard-error rule: the sum over the axes of the value's rank
/// from the simplest, as a share. The parameters' descriptors define which values are simpler (no PCA, i.e. 0
/// components, counts as the most components). For an unknown `kind`, earlier values are simpler.
double complexity(std::string_view kind, const Parameters& point, const std::vector<GridAxis>& axes);

}  // namespace genrewise
