#include "table.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "genrewise/base/text.hpp"
#include "genrewise/report/formats.hpp"
#include "terminal.hpp"

namespace genrewise::cli {
namespace {

constexpr std::size_t kGap = 2, kLeastWrapped = 16;

std::size_t total_width(const std::vector<std::size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
}

/// The file name with an ellipsis and a slash before it.
std::size_t least_path_width(std::string_view path) {
  const std::size_t slash = path.find_last_not_of('/');
  const std::size_t name = slash == std::string_view::npos ? slash : path.find_last_of('/', slash);
  return name == std::string_view::npos ? display_width(path) : display_width(path.substr(name)) + 1;
}

std::size_t longest_word(std::string_view text) {
  std::size_t longest = 0;
  for (const std::string& word : split_text(text, ' ')) longest = std::max(longest, display_width(word));
  return longest;
}

std::vector<std::string> lines_of(const std::string& cell, Table::Overflow overflow, std::size_t width) {
  if (display_width(cell) <= width || overflow == Table::Overflow::keep) return {cell};
  if (overflow == Table::Overflow::path) return {shortened_path(cell, width)};
  return split_text(wrapped(cell, 0, width), '\n');
}

}  // namespace

void Table::add_row(std::vector<std::string> cells, bool strong) {
  if (cells.size() != columns_.size()) throw std::logic_error("a table row with a wrong number of cells");
  rows_.push_back({std::move(cells), strong});
}

std::vector<std::size_t> Table::widths_for(std::optional<std::size_t> width) const {
  std::vector<std::size_t> widths, least;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    const std::size_t title = display_width(printable(column.name));
    std::size_t widest = title, narrowest = title;
    for (const Row& row : rows_) {
      const std::string cell = printable(row.cells[i]);
      widest = std::max(widest, display_width(cell));
      if (column.overflow == Overflow::path) narrowest = std::max(narrowest, least_path_width(cell));
      if (column.overflow == Overflow::wrap) narrowest = std::max({narrowest, longest_word(cell), kLeastWrapped});
    }
    widths.push_back(widest);
    least.push_back(column.overflow == Overflow::keep ? widest : std::min(widest, narrowest));
  }
  if (!width) return widths;
  for (const Overflow overflow : {Overflow::path, Overflow::wrap}) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].overflow != overflow || total_width(widths) <= *width) continue;
      widths[i] -= std::min(total_width(widths) - *width, widths[i] - least[i]);
    }
  }
  return widths;
}

std::string Table::text(const Look& look) const {
  const std::vector<std::size_t> widths = widths_for(look.width);
  std::string text;
  for (std::size_t next = 0; next < columns_.size();) {
    std::vector<std::size_t> shown;
    std::size_t taken = 0;
    if (next > 0) {  // the first column again
      shown.push_back(0);
      taken = widths[0];
    }
    const std::size_t repeated = shown.size();
    for (; next < columns_.size(); ++next) {
      const std::size_t more = widths[next] + (shown.empty() ? 0 : kGap);
      // A block holds a column of its own besides the first one, however wide.
      const bool enough = shown.size() > std::max<std::size_t>(repeated, 1);
      if (look.width && enough && taken + more > *look.width) break;
      taken += more;
      shown.push_back(next);
    }
    if (!text.empty()) text += '\n';
    text += block(shown, widths, look.colour);
  }
  return text;
}

std::string Table::block(const std::vector<std::size_t>& shown, const std::vector<std::size_t>& widths,
                         bool colour) const {
  std::string text;
  const auto add_line = [&](const auto& cell_of, bool strong = false) {
    std::string line;
    for (const std::size_t i : shown) {
      const std::string cell = cell_of(i);
      const std::string blanks(widths[i] - std::min(widths[i], display_width(cell)), ' ');
      if (i != shown.front()) line.append(kGap, ' ');
      line += columns_[i].align == Align::right ? blanks + cell : cell + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += (colour && strong ? bold(line) : line) + '\n';
  };
  add_line([&](std::size_t i) { return printable(columns_[i].name); });
  add_line([&](std::size_t i) { return std::string(widths[i], '-'); });
  for (const Row& row : rows_) {
    std::vector<std::vector<std::string>> cells(columns_.size());
    std::size_t height = 1;
    for (const std::size_t i : shown) {
      cells[i] = lines_of(printable(row.cells[i]), columns_[i].overflow, widths[i]);
      height = std::max(height, cells[i].size());
    }
    for (std::size_t l = 0; l < height; ++l) {
      add_line([&](std::size_t i) { return l < cells[i].size() ? cells[i][l] : std::string(); }, row.strong);
    }
  }
  return text;
}

std::string Table::csv() const {
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : columns_) lines.front().push_back(column.name);
  for (const Row& row : rows_) lines.push_back(row.cells);
  return csv_text(lines);
}

}  // namespace genrewise::cli
