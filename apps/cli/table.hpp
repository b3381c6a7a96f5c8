// Result tables for people and for programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace genrewise::cli {

/// Cells as text: aligned columns for people, RFC 4180 for programs.
class Table {
 public:
  enum class Align { left, right };
  struct Column {
    std::string name;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// As many cells as there are columns.
  void add_row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  /// A header, a rule and a line per row; columns as wide as their widest cell, two blanks between them.
  std::string text() const;
  std::string csv() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Lines of at most 80 cells, broken at blanks and indented; no line end behind the last.
std::string wrapped(std::string_view text, std::size_t indent);

/// The cells that a UTF-8 text takes on a terminal: none for combining marks, two for East Asian wide letters and
/// emoji, one for all else.
std::size_t display_width(std::string_view utf8);

/// The text on one line and harmless on a terminal: line breaks, tabs, escape sequences and broken UTF-8 are written
/// as \n, \t, \x1b.
std::string printable(std::string_view utf8);
/// The same for each line of a text that may have several.
std::string printable_lines(std::string_view utf8);

}  // namespace genrewise::cli
