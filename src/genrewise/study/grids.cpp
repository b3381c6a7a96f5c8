// Grids as a person writes them, and those that have a name.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/study/ablation.hpp"
#include "genrewise/study/learners.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {
namespace {

constexpr double kMostValues = 10000;

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw Error(fmt::format("\"{}\" {}", text, why), "--grid",
              "write NAME=START:STOP:STEP, NAME=log:FROM:TO:COUNT (powers of ten) or NAME=VALUE,VALUE,...");
}

std::string number_text(double value) {
  return fmt::format("{}", std::stod(fmt::format("{:.12g}", value)));
}

std::vector<double> numbers_of(std::string_view text, const std::vector<std::string>& parts) {
  std::vector<double> numbers(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parse_number(parts[i], numbers[i]) || !std::isfinite(numbers[i])) {
      refuse(text, fmt::format("has \"{}\" where a number should be", parts[i]));
    }
  }
  return numbers;
}

std::vector<std::string> range(std::string_view text, const std::vector<std::string>& parts) {
  const auto numbers = numbers_of(text, parts);
  const double start = numbers[0], stop = numbers[1], step = numbers.size() == 3 ? numbers[2] : 1;
  if (step <= 0 || stop < start || (stop - start) / step > kMostValues) refuse(text, "is no range that ends");
  std::vector<std::string> values;
  const auto count = static_cast<std::size_t>((stop - start) / step + 1e-9) + 1;
  for (std::size_t i = 0; i < count; ++i) values.push_back(number_text(start + static_cast<double>(i) * step));
  return values;
}

std::vector<std::string> powers(std::string_view text, const std::vector<std::string>& parts) {
  const auto numbers = numbers_of(text, parts);
  const double from = numbers[0], to = numbers[1], count = numbers[2];
  if (count < 2 || count != std::floor(count) || count > kMostValues) refuse(text, "needs a count of at least 2");
  std::vector<std::string> values;
  for (double i = 0; i < count; ++i) values.push_back(number_text(std::pow(10, from + (to - from) * i / (count - 1))));
  return values;
}

struct KindGrid {
  std::string_view kind;
  std::vector<const char*> axes;
};

const KindGrid kStudyGrids[] = {
    {"knn", {"n_neighbors=1:96:5"}},
    {"gnb", {"var_smoothing=log:-11:-9:20"}},
    {"svm", {"kernel=linear,poly,rbf,sigmoid"}},
    {"mlp", {"hidden_layer_sizes=5:95:10"}},
    {"logreg", {"solver=lbfgs,liblinear"}},
};

const KindGrid kWideGrids[] = {
    {"knn", {"n_neighbors=1:96:5", "weights=uniform,distance"}},
    {"gnb", {"var_smoothing=log:-11:0:23"}},
    {"logreg", {"C=log:-4:1:11"}},
    {"svm", {"C=log:-2:3:11", "gamma=scale,auto,1e-4,1e-3,1e-2"}},
    {"linearsvc", {"C=log:-5:1:13"}},
    {"mlp", {"hidden_layer_sizes=25,50,100,200", "alpha=1e-4,1e-2,1"}},
    {"tree", {"max_depth=2,4,8,16,none", "min_samples_leaf=1,5,20"}},
    {"forest", {"max_depth=4,8,16,none", "max_features=sqrt,log2"}},
    {"adaboost", {"n_estimators=25,50,100,200", "learning_rate=0.1,0.3,1"}},
    {"xgboost", {"max_depth=2,4,6", "learning_rate=0.05,0.1,0.3"}},
};

std::vector<GridAxis> grid_of(std::span<const KindGrid> grids, std::string_view preset, std::string_view kind) {
  const auto found = std::ranges::find(grids, kind, &KindGrid::kind);
  if (found == grids.end()) {
    throw Error(fmt::format("the preset {} has no grid for {}", preset, kind), "--preset",
                "name the parameters and their values with --grid");
  }
  std::vector<GridAxis> axes;
  for (const char* axis : found->axes) axes.push_back(parse_axis(axis));
  return axes;
}

/// 2, 5, 10, 20, 50, ... components, as many as there are columns for, and none.
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

GridAxis parse_axis(std::string_view text) {
  const auto [name, value] = parse_parameter(text);
  GridAxis axis{name == "k" ? "n_neighbors" : name, {}};
  std::vector<std::string> parts = split_text(value, ':');
  if (parts.size() == 4 && parts[0] == "log") {
    parts.erase(parts.begin());
    axis.values = powers(text, parts);
  } else if (parts.size() == 2 || parts.size() == 3) {
    axis.values = range(text, parts);
  } else if (parts.size() == 1) {
    axis.values = split_text(value, ',');
  }
  if (axis.values.empty() || std::ranges::find(axis.values, "") != axis.values.end())
    refuse(text, "has an empty value");
  return axis;
}

std::vector<std::string> preset_names() {
  return {"study", "wide", "pca", "scaling", "features"};
}

std::vector<GridAxis> preset_grid(std::string_view preset, std::string_view kind,
                                  const std::vector<FeatureColumn>& columns) {
  if (preset == "study") return grid_of(kStudyGrids, preset, kind);
  if (preset == "wide") return grid_of(kWideGrids, preset, kind);
  if (preset == "scaling") return {{"standardise", {"true", "false"}}};
  if (preset == "features") return {{"features", ablation_features(columns)}};
  if (preset == "pca") return {components_axis(columns.size())};
  throw Error(fmt::format("there is no preset \"{}\"", preset), "--preset",
              fmt::format("use {}", fmt::join(preset_names(), ", ")));
}

}  // namespace genrewise
