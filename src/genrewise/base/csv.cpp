#include "genrewise/base/csv.hpp"

#include <algorithm>
#include <array>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/text.hpp"

namespace genrewise {
namespace {

bool is_line_end(char c) {
  return c == '\n' || c == '\r';
}

char separator_of(std::string_view text) {
  constexpr std::string_view kSeparators = ",;\t|";  // the first of equals wins
  std::array<std::size_t, kSeparators.size()> counts{};
  bool quoted = false;
  for (const char c : text) {
    if (is_line_end(c) && !quoted) break;
    if (c == '"') quoted = !quoted;
    const std::size_t i = quoted ? std::string_view::npos : kSeparators.find(c);
    if (i != std::string_view::npos) ++counts[i];
  }
  return kSeparators[static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin())];
}

/// Throws Error for what spreadsheets save besides CSV, and for any other binary file.
void require_text(std::string_view text, const std::string& name) {
  const std::size_t nul = text.find('\0');
  if (text.starts_with("PK\x03\x04"))
    throw Error("is a spreadsheet or an archive, not a text file", name, "save it as CSV");
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") || nul <= 1)
    throw Error("is text in UTF-16 or a binary file, not a text file in UTF-8", name, "save it as CSV in UTF-8");
  if (nul != std::string_view::npos) throw Error("is not a text file", name, "give a CSV file");
}

}  // namespace

CsvReader::CsvReader(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {
  require_text(text_, name_);
  at_ = text_.size() - without_byte_order_mark(text_).size();
  while (at_ < text_.size() && is_line_end(text_[at_])) skip_line_end();
  separator_ = separator_of(text_.substr(at_));
}

void CsvReader::skip_line_end() {
  at_ += text_.substr(at_).starts_with("\r\n") ? 2 : 1;
  ++line_;
}

// at_ is behind the opening quote; on return it is behind the closing one.
std::string_view CsvReader::quoted_field() {
  const std::size_t start = at_;
  std::string* copy = nullptr;
  for (std::size_t from = at_;;) {
    const std::size_t quote = text_.find('"', from);
    if (quote == std::string_view::npos) {
      throw Error("a quoted field has no closing quote", name_ + ":" + std::to_string(row_line_), "add the missing \"");
    }
    for (std::size_t i = from; i < quote; ++i) line_ += text_[i] == '\n' || (text_[i] == '\r' && text_[i + 1] != '\n');
    at_ = quote + 1;
    const bool doubled = at_ < text_.size() && text_[at_] == '"';
    if (!copy && !doubled) return text_.substr(start, quote - start);
    if (!copy) copy = &unescaped_.emplace_back(), from = start;
    copy->append(text_.substr(from, quote - from));
    if (!doubled) return *copy;
    copy->push_back('"');
    from = ++at_;
  }
}

bool CsvReader::next(std::vector<std::string_view>& fields) & {
  throw_if_interrupted();
  fields.clear();
  unescaped_.clear();
  while (at_ < text_.size() && is_line_end(text_[at_])) skip_line_end();
  if (at_ >= text_.size()) return false;
  row_line_ = line_;
  for (;;) {
    std::string_view field;
    if (at_ < text_.size() && text_[at_] == '"') {
      ++at_;
      field = quoted_field();
    }
    // Keeps text between a closing quote and the separator, as other lenient readers do.
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] != separator_ && !is_line_end(text_[at_])) ++at_;
    const std::string_view rest = text_.substr(start, at_ - start);
    if (field.data() == nullptr) {
      field = rest;
    } else if (!rest.empty()) {
      field = unescaped_.emplace_back(std::string(field) + std::string(rest));
    }
    fields.push_back(field);
    if (at_ == text_.size() || text_[at_] != separator_) return true;
    if (++at_ == text_.size()) {  // a separator was the last character of the text
      fields.emplace_back();
      return true;
    }
  }
}

void append_csv_field(std::string& line, std::string_view field) {
  // Outside quotes, a mark of UTF-8 at the start of a file is not a part of its first field, and what separates the
  // fields of the file is the most frequent separator of its first line.
  if (field.find_first_of(",;\t|\"\r\n") == std::string_view::npos &&
      without_byte_order_mark(field).size() == field.size()) {
    line += field;
    return;
  }
  line += '"';
  for (char c : field) {
    if (c == '"') line += '"';
    line += c;
  }
  line += '"';
}

}  // namespace genrewise
