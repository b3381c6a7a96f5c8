#include "genrewise/study/point.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

constexpr std::string_view kPreparingNames[] = {"features", "standardise", "pca_components", "pca_variance",
                                                "pca_whiten"};

[[noreturn]] void refuse(std::string_view name, std::string_view value, const char* remedy) {
  throw Error(fmt::format("{} cannot be \"{}\"", name, value), {}, remedy);
}

void read_flag(const Parameters& parameters, const char* name, bool& value) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return;
  if (found->second != "true" && found->second != "false") refuse(name, found->second, "use true or false");
  value = found->second == "true";
}

}  // namespace

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

Point::Point(const Parameters& all, const Parameters& own) {
  for (const auto& [name, value] : all) {
    const bool prepares = !own.contains(name) && std::ranges::find(kPreparingNames, name) != std::end(kPreparingNames);
    (prepares ? preparing : learning)[name] = value;
  }
}

std::string features_of(const Point& point) {
  const auto found = point.preparing.find("features");
  return found == point.preparing.end() ? "all" : found->second;
}

PreprocessingConfig preprocessing_of(const Point& point, PreprocessingConfig base) {
  const Parameters& preparing = point.preparing;
  read_flag(preparing, "standardise", base.standardise);
  read_flag(preparing, "pca_whiten", base.pca_whiten);
  if (const auto found = preparing.find("pca_components"); found != preparing.end()) {
    long long components = 0;
    if (!parse_number(found->second, components) || components < 0) {
      refuse("pca_components", found->second, "use 0 (none) or a number of components");
    }
    base.pca_components = static_cast<std::size_t>(components);
  }
  if (const auto found = preparing.find("pca_variance"); found != preparing.end()) {
    if (!parse_number(found->second, base.pca_variance) || !(base.pca_variance > 0 && base.pca_variance < 1)) {
      refuse("pca_variance", found->second, "use a share of the variance between 0 and 1, such as 0.95");
    }
  }
  return base;
}

}  // namespace genrewise
