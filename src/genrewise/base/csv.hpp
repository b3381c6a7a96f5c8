// Comma-separated values (RFC 4180): a reader that copies no plain field, and a field writer that quotes. The reader
// also accepts semicolons, tabs and vertical bars.
#pragma once

#include <charconv>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace genrewise {

/// Reads rows of fields; `text` must outlive the reader. Supports quoted fields with separators, doubled quotes and
/// line breaks; LF, CRLF and CR line ends, a byte-order mark and a last line without a line end. Skips empty lines.
/// Fields are separated by the comma, semicolon or tab that occurs most often in the first line outside quotes (a comma
/// if none does).
class CsvReader {
 public:
  /// `name`: the source of the text for error messages, usually a path. Throws Error for a binary file and UTF-16.
  CsvReader(std::string_view text, std::string name);

  /// The next row's fields, valid until the next call and as long as the reader; false at the end. Throws Error (with
  /// the line) for an unterminated quoted field.
  bool next(std::vector<std::string_view>& fields) &;
  /// The 1-based line on which the last row starts.
  std::size_t line() const { return row_line_; }
  const std::string& name() const { return name_; }
  char separator() const { return separator_; }

 private:
  std::string_view quoted_field();
  void skip_line_end();

  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0, line_ = 1, row_line_ = 0;
  char separator_ = ',';
  std::deque<std::string> unescaped_;  // fields of the current row that had doubled quotes
};

/// Appends a field, quoted if necessary. The caller writes commas and line ends.
void append_csv_field(std::string& line, std::string_view field);

/// Parses all of `text` as a number in the C locale ("nan" and "inf" included); false if it is not one.
template <class Number>
bool parse_number(std::string_view text, Number& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace genrewise
