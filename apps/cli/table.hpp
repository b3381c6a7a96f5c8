// Result tables for people and for programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "terminal.hpp"

namespace genrewise::cli {

/// Cells as text: aligned columns for people, RFC 4180 for programs.
class Table {
 public:
  enum class Align { left, right };
  /// How a column gives way when the table is too wide: paths are shortened from the left, sentences wrapped.
  enum class Overflow { keep, path, wrap };
  struct Column {
    std::string name;
    Align align = Align::left;
    Overflow overflow = Overflow::keep;
  };
  struct Look {
    std::optional<std::size_t> width = {};  ///< in cells; nothing: as wide as the cells are
    bool colour = false;                    ///< strong rows bold
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// As many cells as there are columns.
  void add_row(std::vector<std::string> cells, bool strong = false);
  bool empty() const { return rows_.empty(); }

  /// A header, a rule and a line per row; columns as wide as their widest cell, two blanks between them. A table that
  /// does not fit although its columns gave way is printed as several, one below the other, each with the first column.
  std::string text(const Look& look) const;
  std::string text() const { return text(Look{}); }
  std::string csv() const;

 private:
  struct Row {
    std::vector<std::string> cells;
    bool strong = false;
  };
  std::vector<std::size_t> widths_for(std::optional<std::size_t> width) const;
  std::string block(const std::vector<std::size_t>& shown, const std::vector<std::size_t>& widths, bool colour) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace genrewise::cli
