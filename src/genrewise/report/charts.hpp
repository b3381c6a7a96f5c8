// Small pictures for the report: SVG whose colours are the page's CSS variables, so that they follow light and dark.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

/// & < > " ' as entities, control characters as U+FFFD: safe in text and in quoted attributes of HTML and SVG.
std::string escape_html(std::string_view text);

/// "58.2 %".
std::string percent(double share);
/// "4 ms", "1.2 s", "2 min 5 s".
std::string duration_text(double seconds);

/// The shares from 0 to `top` on the width that all interval bars of a table have.
struct ShareAxis {
  double top = 1;
  double chance = 0;  ///< a dashed line across every bar
};

/// Tick marks with their percentages, for the table's header.
std::string axis_svg(const ShareAxis& axis);
/// A dot at `value` on a bar from `low` to `high`; `label` is read out.
std::string interval_svg(const ShareAxis& axis, double value, double low, double high, std::string_view label,
                         bool highlight);

enum class MatrixSize { large, small };
/// Rows are truths, columns predictions; colour is the share of the row. The small one shows no counts.
std::string confusion_svg(const std::vector<std::string>& labels,
                          const std::vector<std::vector<std::size_t>>& confusion, MatrixSize size,
                          std::string_view label);

/// One score per tried value, with its spread where low < high.
struct TriedValue {
  std::string name;
  double score = 0, low = 0, high = 0;
  bool chosen = false;
  bool simple = false;        ///< ringed: the simplest that is good enough
  std::vector<double> folds;  ///< the scores that the mean is of
};
/// A line through the scores over the values, evenly spaced; the chosen one stands out. `enough` > 0 draws a dashed
/// line at that score.
std::string tried_svg(std::span<const TriedValue> values, std::string_view parameter, double enough = 0);

/// The share of the variance that the first 1, 2, ... principal components explain together, of each one's share.
std::string variance_svg(std::span<const double> shares);
/// "90 % by 12, 95 % by 23, 99 % by 61": how many components it takes; what is not reached is left out.
std::string variance_thresholds(std::span<const double> shares);

/// Parts of a whole, side by side on a bar whose full length is `longest`.
struct BarPiece {
  std::string_view css_class;
  std::size_t count = 0;
};
std::string stacked_bar_svg(std::span<const BarPiece> pieces, std::size_t longest, std::string_view label);

}  // namespace genrewise
