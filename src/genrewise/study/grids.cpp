// Grids as a person writes them, and those of the study.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
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

std::vector<GridAxis> study_grid(std::string_view kind) {
  if (kind == "knn") return {parse_axis("n_neighbors=1:96:5")};
  if (kind == "gnb") return {parse_axis("var_smoothing=log:-11:-9:20")};
  if (kind == "svm") return {parse_axis("kernel=linear,poly,rbf,sigmoid")};
  if (kind == "mlp") return {parse_axis("hidden_layer_sizes=5:95:10")};
  if (kind == "logreg") return {parse_axis("C=log:-4:1:11")};
  throw Error(fmt::format("the study has no grid for {}", kind), "--preset study", "name one with --grid");
}

}  // namespace genrewise
