// Comma-separated values (RFC 4180), read without copying and written so that they read back.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

/// Reads rows out of a text that the caller keeps alive. Understands quoted fields with commas, doubled quotes and line
/// breaks, CRLF, a byte-order mark and a last line without an end. Empty lines are passed over.
class CsvReader {
 public:
  /// `name` stands in error messages (a path).
  CsvReader(std::string_view text, std::string name);

  /// The next row's fields, valid until the next call; false at the end. Throws Error (with the line) on a quote that
  /// is never closed.
  bool next(std::vector<std::string_view>& fields);
  /// The line (counted from 1) on which the last row began.
  std::size_t line() const { return row_line_; }
  const std::string& name() const { return name_; }

 private:
  std::string_view quoted_field();

  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0, line_ = 1, row_line_ = 0;
  std::deque<std::string> unescaped_;  // fields of the current row that held doubled quotes
};

/// Appends a field, quoted where it must be. The caller writes the commas and line ends.
void append_csv_field(std::string& line, std::string_view field);

/// The whole of `text` as a number (the C locale's notation, "nan" and "inf" included); false when it is none.
bool parse_number(std::string_view text, double& value);
bool parse_number(std::string_view text, long long& value);

}  // namespace genrewise
