// A point of a grid: what is done to the features, and what the learner is told.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "genrewise/models/classifier.hpp"
#include "genrewise/models/preprocessing.hpp"

namespace genrewise {

/// One parameter and the values to try.
struct GridAxis {
  std::string parameter;
  std::vector<std::string> values;
  friend bool operator==(const GridAxis&, const GridAxis&) = default;
};

/// Every combination of the axes' values over `fixed`, the last axis fastest; `fixed` alone without axes.
std::vector<Parameters> grid_points(const Parameters& fixed, const std::vector<GridAxis>& axes);

/// A point's parameters in two. To the features belong, unless the learner has a parameter of that name itself,
///   features          "all", or names joined by "+" (see columns_of())
///   standardise       true or false
///   pca_components    0 (none) or a number
///   pca_variance      a share in (0, 1): as many components as explain it
///   pca_whiten        true or false
struct Point {
  Parameters preparing, learning;

  /// `own`: the learner's parameters, of any values.
  Point(const Parameters& all, const Parameters& own);
};

/// "all" where the point names no features.
std::string features_of(const Point& point);

/// The configuration that the point asks for; what it does not name is as in `base`. Throws Error for a value that
/// makes no sense.
PreprocessingConfig preprocessing_of(const Point& point, PreprocessingConfig base);

}  // namespace genrewise
