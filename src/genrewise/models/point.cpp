#include "genrewise/models/point.hpp"

#include <algorithm>
#include <limits>

#include "genrewise/base/csv.hpp"

namespace genrewise {

std::vector<Parameters> grid_points(const Parameters& fixed, const std::vector<GridAxis>& axes) {
  std::vector<Parameters> points{fixed};
  for (const GridAxis& axis : axes) {
    std::vector<Parameters> longer;
    for (const Parameters& point : points) {
      for (const std::string& value : axis.values) {
        longer.push_back(point);
        longer.back()[axis.parameter] = value;
      }
    }
    points = std::move(longer);
  }
  return points;
}

const std::vector<ParameterDescriptor>& preprocessing_parameters() {
  static const std::vector<ParameterDescriptor> all = {
      parameter::text("features", "all", "groups of columns, as in mfcc+zcr (tune only)"),
      parameter::boolean("standardise", "true", "each column to mean 0 and variance 1"),
      parameter::integer("pca_components", "0", at_least(0), "principal components that are kept; 0: no PCA")
          .simpler_when(Simpler::smaller),
      parameter::number("pca_variance", "0.95", {.least = 0, .most = 1, .least_open = true, .most_open = true},
                        "as many components as explain this share of the variance"),
      parameter::boolean("pca_whiten", "false", "components scaled to variance 1")};
  return all;
}

Point::Point(const Parameters& all) {
  for (const auto& [name, value] : all)
    (find_parameter(preprocessing_parameters(), name) != nullptr ? preprocessing : classifier)[name] = value;
}

std::string features_of(const Point& point) {
  const auto found = point.preprocessing.find("features");
  return found == point.preprocessing.end() ? "all" : found->second;
}

PreprocessingConfig preprocessing_of(const Point& point, PreprocessingConfig base) {
  const ParameterValues values("preprocessing", preprocessing_parameters(), point.preprocessing);
  const auto is_given = [&](const char* name) { return point.preprocessing.contains(name); };
  if (is_given("standardise")) base.standardise = values.flag("standardise");
  if (is_given("pca_whiten")) base.pca_whiten = values.flag("pca_whiten");
  if (is_given("pca_components")) base.pca_components = static_cast<std::size_t>(values.integer("pca_components"));
  if (!is_given("pca_variance")) return base;
  base.pca_variance = values.number("pca_variance");
  if (!is_given("pca_components")) base.pca_components = 0;  // a model's own share replaces a number for all models
  return base;
}

double complexity(std::string_view kind, const Parameters& point, const std::vector<GridAxis>& axes) {
  const ClassifierDescriptor* classifier = find_classifier(kind);
  const auto simpler = [&](const std::string& name) {
    const auto* own = classifier == nullptr ? nullptr : find_parameter(classifier->parameters, name);
    if (own == nullptr) own = find_parameter(preprocessing_parameters(), name);
    return own == nullptr ? Simpler::named_first : own->simpler;
  };
  double sum = 0;
  for (const GridAxis& axis : axes) {
    const auto number = [&](const std::string& text) {
      double value = 0;
      if (!parse_number(text, value)) return 0.0;
      const bool no_pca = axis.parameter == "pca_components" && value == 0;
      return no_pca ? std::numeric_limits<double>::infinity() : value;
    };
    std::vector<std::string> values = axis.values;
    const Simpler direction = simpler(axis.parameter);
    if (direction == Simpler::smaller) std::ranges::stable_sort(values, std::less<>(), number);
    if (direction == Simpler::larger) std::ranges::stable_sort(values, std::greater<>(), number);
    const auto found = std::ranges::find(values, point.at(axis.parameter));
    sum += static_cast<double>(found - values.begin()) / static_cast<double>(values.size());
  }
  return sum;
}

}  // namespace genrewise
