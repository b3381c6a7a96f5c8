// Line charts.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "genrewise/report/charts.hpp"
#include "genrewise/report/svg.hpp"

namespace genrewise {
namespace {

constexpr double kWidth = 300, kHeight = 166, kLeft = 44, kRight = 14, kTop = 12, kBottom = 46;

/// Vertical axis: shares between two levels.
struct Levels {
  double floor = 0, ceiling = 1;
  double y(double share) const {
    return kHeight - kBottom - (kHeight - kBottom - kTop) * (share - floor) / (ceiling - floor);
  }
};

std::string level_lines(const Levels& levels) {
  std::string svg;
  for (const double level : {levels.floor, (levels.floor + levels.ceiling) / 2, levels.ceiling}) {
    svg += fmt::format(
        R"(<line class="ground" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/><text x="{3}" y="{4:.1f}" text-anchor="end">{5:.3g}%</text>)",
        kLeft, kWidth - kRight, levels.y(level), kLeft - 6, levels.y(level) + 4, 100 * level);
  }
  return svg;
}

std::string axis_name(std::string_view parameter) {
  return fmt::format(R"(<text class="what" x="{}" y="{}" text-anchor="end">{}</text>)", kWidth - kRight, kHeight - 8,
                     escape_html(parameter));
}

Levels levels_of(std::span<const TriedValue> values) {
  double lowest = 1, highest = 0;
  const auto include = [&](double score) {
    lowest = std::min(lowest, score);
    highest = std::max(highest, score);
  };
  for (const TriedValue& value : values) {
    include(value.score);
    if (value.low < value.high) include(value.low), include(value.high);
    for (const double fold : value.folds) include(fold);
  }
  const double floor = std::max(0.0, std::floor(lowest * 20) / 20);
  return {floor, std::max(std::ceil(highest * 20) / 20, floor + 0.05)};
}

/// Which values get a label: all, or as many as fit without touching.
std::vector<bool> labelled_values(std::span<const TriedValue> values) {
  constexpr double kLetter = 6.3;  // width of a digit with spacing
  std::size_t longest = 1;
  for (const TriedValue& value : values) longest = std::max(longest, cut(value.name).size());
  const double fitting = (kWidth - kLeft - kRight) / (static_cast<double>(longest) * kLetter + 8);
  const auto most = static_cast<std::size_t>(std::max(2.0, fitting));
  const std::size_t every = (values.size() + most - 1) / most;
  std::vector<bool> named(values.size());
  for (std::size_t i = 0; i < values.size(); i += std::max<std::size_t>(every, 1)) named[i] = true;
  return named;
}

}  // namespace

std::string tried_svg(std::span<const TriedValue> values, std::string_view parameter, double enough) {
  const Levels levels = levels_of(values);
  const auto x = [&](std::size_t i) {
    constexpr double kFirst = kLeft + 14, kLast = kWidth - kRight - 14;
    const double steps = static_cast<double>(std::max<std::size_t>(values.size() - 1, 1));
    return kFirst + (kLast - kFirst) * (values.size() == 1 ? 0.5 : static_cast<double>(i) / steps);
  };
  std::string svg = open_svg(kWidth, kHeight, "tried", fmt::format("accuracy against {}", parameter));
  svg += level_lines(levels);
  if (enough > levels.floor && enough < levels.ceiling) {
    svg += fmt::format(R"(<line class="enough" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>)", kLeft, kWidth - kRight,
                       levels.y(enough));
  }
  std::string line;
  for (std::size_t i = 0; i < values.size(); ++i) {
    line += fmt::format("{:.1f},{:.1f} ", x(i), levels.y(values[i].score));
    for (const double fold : values[i].folds) {
      svg += fmt::format(R"(<circle class="fold" cx="{:.1f}" cy="{:.1f}" r="1.6"/>)", x(i), levels.y(fold));
    }
  }
  svg += fmt::format(R"(<polyline class="curve" points="{}"/>)", line);
  const double radius = values.size() > 12 ? 2.6 : 3.5;
  const std::vector<bool> named = labelled_values(values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const TriedValue& value = values[i];
    if (value.low < value.high) {
      svg += fmt::format(R"(<line class="spread" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"/>)", x(i),
                         levels.y(value.low), levels.y(value.high));
    }
    svg += fmt::format(R"(<circle class="point{}{}" cx="{:.1f}" cy="{:.1f}" r="{}"><title>{}: {}</title></circle>)",
                       value.chosen ? " chosen" : "", value.simple ? " simple" : "", x(i), levels.y(value.score),
                       value.chosen || value.simple ? 5 : radius, escape_html(value.name), percent(value.score));
    if (named[i]) {
      svg += fmt::format(R"(<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>)", x(i), kHeight - 28,
                         escape_html(cut(value.name)));
    }
  }
  return svg + axis_name(parameter) + "</svg>";
}

std::string variance_svg(std::span<const double> shares) {
  constexpr std::size_t kMostPoints = 200;
  const Levels levels{0, 1};
  const double count = static_cast<double>(shares.size());
  const auto x = [&](double components) { return kLeft + (kWidth - kLeft - kRight) * components / count; };
  std::string svg = open_svg(kWidth, kHeight, "tried", "variance explained by the first principal components");
  svg += level_lines(levels);
  std::string line = fmt::format("{:.1f},{:.1f} ", x(0), levels.y(0));
  double sum = 0;
  const std::size_t every = std::max<std::size_t>(1, shares.size() / kMostPoints);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    sum += shares[i];
    const bool last = i + 1 == shares.size();
    if ((i + 1) % every == 0 || last || i < kMostPoints / 4) {
      line += fmt::format("{:.1f},{:.1f} ", x(static_cast<double>(i + 1)), levels.y(std::min(sum, 1.0)));
    }
  }
  svg += fmt::format(R"(<polygon class="area" points="{}{:.1f},{:.1f}"/>)", line, x(count), levels.y(0));
  svg += fmt::format(R"(<polyline class="curve" points="{}"/>)", line);
  for (const double share : {0.0, 0.5, 1.0}) {
    const double components = std::round(share * count);
    svg += fmt::format(R"(<text x="{:.1f}" y="{}" text-anchor="middle">{:.0f}</text>)", x(components), kHeight - 28,
                       components);
  }
  return svg + axis_name("principal components") + "</svg>";
}

std::string variance_thresholds(std::span<const double> shares) {
  std::string text;
  for (const int target : {90, 95, 99}) {
    double sum = 0;
    std::size_t count = 0;
    while (count < shares.size() && sum < target / 100.0 - 1e-9) sum += shares[count++];
    if (sum < target / 100.0 - 1e-9) break;
    text += fmt::format("{}{} % by {}", text.empty() ? "" : ", ", target, count);
  }
  return text;
}

}  // namespace genrewise
