// SVG charts for the report. Colours are the page's CSS variables, so charts follow the light and dark theme.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

/// Escapes text for HTML and SVG (text and quoted attributes): ampersands, angle brackets and quotes become entities,
/// control characters U+FFFD.
std::string escape_html(std::string_view text);

/// "58.2 %".
std::string percent(double share);
/// "4 ms", "1.2 s", "2 min 5 s".
std::string duration_text(double seconds);

/// Horizontal axis from 0 to `top`, common to all interval bars of a table.
struct ShareAxis {
  double top = 1;
  double chance = 0;  ///< position of a dashed line in every bar
};

/// Tick marks with percentages, for the table header.
std::string axis_svg(const ShareAxis& axis);
/// A dot at `value` on a bar from `low` to `high`; `label` is the accessible label.
std::string interval_svg(const ShareAxis& axis, double value, double low, double high, std::string_view label,
                         bool highlight);

enum class MatrixSize { large, small };
/// Rows are true labels, columns predictions; colour is the share of the row. The small one shows no counts.
std::string confusion_svg(const std::vector<std::string>& labels,
                          const std::vector<std::vector<std::size_t>>& confusion, MatrixSize size,
                          std::string_view label);

/// Score of one tried value, with an error bar if low < high.
struct TriedValue {
  std::string name;
  double score = 0, low = 0, high = 0;
  bool chosen = false;
  bool simple = false;        ///< shown with a ring: the simplest value within one standard error of the best
  std::vector<double> folds;  ///< scores of the single folds
};
/// Line chart of the scores over evenly spaced values, with the chosen one highlighted. `enough` > 0 draws a dashed
/// line at that score.
std::string tried_svg(std::span<const TriedValue> values, std::string_view parameter, double enough = 0);

/// Chart of the cumulative share of the variance of the first 1, 2, ... principal components; `shares` are per
/// component.
std::string variance_svg(std::span<const double> shares);
/// "90 % by 12, 95 % by 23, 99 % by 61": number of components per threshold; thresholds that are not reached are
/// omitted.
std::string variance_thresholds(std::span<const double> shares);

/// Segment of a stacked bar, whose full length is `longest`.
struct BarPiece {
  std::string_view css_class;
  std::size_t count = 0;
};
std::string stacked_bar_svg(std::span<const BarPiece> pieces, std::size_t longest, std::string_view label);

}  // namespace genrewise
