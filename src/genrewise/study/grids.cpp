// Search spaces by name: declared by classifiers, or derived from the columns of a table.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "genrewise/base/error.hpp"
#include "genrewise/study/ablation.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {
namespace {

std::vector<GridAxis> declared_space(std::string_view name, std::string_view kind) {
  const std::vector<SearchSpace>& spaces = classifier_descriptor(kind).searches;
  const auto found = std::ranges::find(spaces, name, &SearchSpace::name);
  if (found == spaces.end()) {
    throw Error(fmt::format("the preset {} has no grid for {}", name, kind), "--preset",
                "give parameters and values with --grid");
  }
  std::vector<GridAxis> axes;
  for (const std::string& axis : found->axes) axes.push_back(parse_axis(axis));
  return axes;
}

/// 2, 5, 10, 20, 50, ... components up to the number of columns, and 0 (no PCA).
GridAxis components_axis(std::size_t columns) {
  GridAxis axis{"pca_components", {}};
  for (std::size_t decade = 1; decade < columns; decade *= 10) {
    for (const std::size_t step : {1, 2, 5}) {
      if (decade * step > 1 && decade * step < columns) axis.values.push_back(std::to_string(decade * step));
    }
  }
  axis.values.emplace_back("0");
  return axis;
}

}  // namespace

std::vector<std::string> preset_names() {
  return {"study", "wide", "pca", "scaling", "features"};
}

std::vector<GridAxis> preset_grid(std::string_view preset, std::string_view kind,
                                  const std::vector<FeatureColumn>& columns) {
  if (preset == "study" || preset == "wide") return declared_space(preset, kind);
  if (preset == "scaling") return {{"standardise", {"true", "false"}}};
  if (preset == "features") return {{"features", ablation_features(columns)}};
  if (preset == "pca") return {components_axis(columns.size())};
  throw Error(fmt::format("there is no preset \"{}\"", preset), "--preset",
              fmt::format("use {}", fmt::join(preset_names(), ", ")));
}

}  // namespace genrewise
