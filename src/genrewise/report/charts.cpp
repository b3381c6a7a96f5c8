#include "genrewise/report/charts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "genrewise/report/svg.hpp"

namespace genrewise {
namespace {

constexpr double kBarWidth = 250, kBarHeight = 22, kBarMargin = 8;

double bar_x(const ShareAxis& axis, double share) {
  return kBarMargin + (kBarWidth - 2 * kBarMargin) * std::clamp(share / axis.top, 0.0, 1.0);
}

std::size_t letters_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Geometry of a confusion matrix.
struct MatrixLayout {
  double cell = 0, left = 0, top = 0, font = 0;
  bool counts = false, column_names = false;

  MatrixLayout(const std::vector<std::string>& labels, MatrixSize size) {
    const double n = static_cast<double>(labels.size());
    std::size_t longest = 0;
    for (const std::string& label : labels) longest = std::max(longest, letters_of(cut(label)));
    const bool large = size == MatrixSize::large;
    cell = large ? std::clamp(480 / n, 12.0, 52.0) : std::clamp(176 / n, 4.0, 22.0);
    font = std::clamp(cell * 0.8, large ? 9.0 : 4.0, large ? 13.0 : 10.0);
    left = 12 + static_cast<double>(longest) * font * 0.6;
    column_names = large;
    counts = large && cell >= 24;
    top = large ? 10 + static_cast<double>(longest) * font * 0.45 + font : 2;
  }
};

void add_cell(std::string& svg, const MatrixLayout& at, const std::vector<std::string>& labels, std::size_t truth,
              std::size_t predicted, std::size_t count, std::size_t row_total) {
  const double share = row_total == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(row_total);
  const double x = at.left + at.cell * static_cast<double>(predicted),
               y = at.top + at.cell * static_cast<double>(truth);
  svg += fmt::format(
      R"(<g><title>{} predicted as {}: {} of {} ({})</title><rect class="cell{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" style="--share:{:.3f}"/>)",
      escape_html(labels[truth]), escape_html(labels[predicted]), count, row_total, percent(share),
      truth == predicted ? " right" : "", x, y, at.cell - 1, at.cell - 1, share);
  if (at.counts && count > 0) {
    svg += fmt::format(
        R"(<text class="count{}" x="{:.1f}" y="{:.1f}" font-size="{:.1f}" text-anchor="middle">{}</text>)",
        share > 0.55 ? " strong" : "", x + (at.cell - 1) / 2, y + at.cell / 2 + at.font * 0.33, at.font, count);
  }
  svg += "</g>";
}

}  // namespace

std::string open_svg(double width, double height, std::string_view css_class, std::string_view label) {
  return fmt::format(
      R"(<svg class="{}" width="{:.0f}" height="{:.0f}" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">)",
      css_class, width, height, width, height, escape_html(label));
}

std::string cut(std::string_view text) {
  constexpr std::size_t kLongestLabel = 20;  // the tooltip has the full name
  std::size_t letters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts_letter = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (starts_letter && letters++ == kLongestLabel) return std::string(text.substr(0, i)) + "…";
  }
  return std::string(text);
}

std::string escape_html(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      case '\n':
      case '\t':
      case '\r':
        safe += ' ';
        break;
      default:
        safe += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? std::string("\xEF\xBF\xBD") : std::string(1, c);
    }
  }
  return safe;
}

std::string percent(double share) {
  return fmt::format("{:.1f} %", 100 * share);
}

std::string duration_text(double seconds) {
  if (seconds < 0.0995) return fmt::format("{:.{}f} ms", 1000 * seconds, seconds < 0.00995 ? 1 : 0);
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  if (seconds < 119.5) return fmt::format("{:.0f} s", seconds);
  const auto whole = static_cast<long long>(std::lround(seconds));
  if (whole < 7200) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
}

std::string axis_svg(const ShareAxis& axis) {
  std::string svg = open_svg(kBarWidth, kBarHeight, "axis", "scale of the accuracies");
  const double step = axis.top > 0.6 ? 0.25 : axis.top > 0.3 ? 0.1 : 0.05;
  for (double share = 0; share <= axis.top + 1e-9; share += step) {
    const double x = bar_x(axis, share);
    const char* anchor = share == 0 ? "start" : share > axis.top - step / 4 ? "end" : "middle";
    svg += fmt::format(
        R"(<line x1="{0:.1f}" x2="{0:.1f}" y1="17" y2="22"/><text x="{1:.1f}" y="12" text-anchor="{2}">{3:.0f}%</text>)",
        x,
        share == 0                          ? x - 3
        : anchor == std::string_view("end") ? x + kBarMargin
                                            : x,
        anchor, 100 * share);
  }
  return svg + "</svg>";
}

std::string interval_svg(const ShareAxis& axis, double value, double low, double high, std::string_view label,
                         bool highlight) {
  std::string svg = open_svg(kBarWidth, kBarHeight, highlight ? "interval best" : "interval", label);
  svg += fmt::format(R"(<line class="ground" x1="{:.1f}" x2="{:.1f}" y1="11" y2="11"/>)", bar_x(axis, 0),
                     bar_x(axis, axis.top));
  svg += fmt::format(R"(<line class="chance" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="22"/>)", bar_x(axis, axis.chance));
  svg += fmt::format(R"(<rect class="range" x="{:.1f}" y="7" width="{:.1f}" height="8" rx="4"/>)", bar_x(axis, low),
                     bar_x(axis, high) - bar_x(axis, low));
  svg += fmt::format(R"(<circle class="value" cx="{:.1f}" cy="11" r="5"/>)", bar_x(axis, value));
  return svg + "</svg>";
}

std::string confusion_svg(const std::vector<std::string>& labels,
                          const std::vector<std::vector<std::size_t>>& confusion, MatrixSize size,
                          std::string_view label) {
  const MatrixLayout at(labels, size);
  const double n = static_cast<double>(labels.size());
  const double overhang = at.column_names ? at.top : 0;  // of the last slanted column name
  std::string svg = open_svg(at.left + n * at.cell + overhang, at.top + n * at.cell + 2, "confusion", label);
  for (std::size_t truth = 0; truth < labels.size(); ++truth) {
    const double middle = at.cell * (static_cast<double>(truth) + 0.5);
    svg += fmt::format(
        R"(<text class="name" x="{:.1f}" y="{:.1f}" font-size="{:.1f}" text-anchor="end">{}<title>{}</title></text>)",
        at.left - 6, at.top + middle + at.font * 0.33, at.font, escape_html(cut(labels[truth])),
        escape_html(labels[truth]));
    if (at.column_names) {
      svg += fmt::format(
          R"svg(<text class="name" font-size="{:.1f}" transform="translate({:.1f} {:.1f}) rotate(-38)">{}<title>{}</title></text>)svg",
          at.font, at.left + middle, at.top - 6, escape_html(cut(labels[truth])), escape_html(labels[truth]));
    }
    std::size_t total = 0;
    for (const std::size_t count : confusion[truth]) total += count;
    for (std::size_t predicted = 0; predicted < labels.size(); ++predicted) {
      add_cell(svg, at, labels, truth, predicted, confusion[truth][predicted], total);
    }
  }
  return svg + "</svg>";
}

std::string stacked_bar_svg(std::span<const BarPiece> pieces, std::size_t longest, std::string_view label) {
  std::string svg = open_svg(kBarWidth, 14, "stack", label);
  double x = 0;
  for (const BarPiece& piece : pieces) {
    const double width =
        kBarWidth * static_cast<double>(piece.count) / static_cast<double>(std::max<std::size_t>(longest, 1));
    svg += fmt::format(R"(<rect class="{}" x="{:.2f}" y="1" width="{:.2f}" height="12"/>)", piece.css_class, x, width);
    x += width;
  }
  return svg + "</svg>";
}

}  // namespace genrewise
