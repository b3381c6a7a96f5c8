// Parameters and candidates in the grammar of model_spec.hpp. Private to this module.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise::grammar {

/// A part of the whole text, so that errors can state the position.
struct Part {
  std::string_view whole;
  std::size_t begin = 0, end = 0;
  std::string_view text() const { return whole.substr(begin, end - begin); }
  /// Throws Error: "at character N: problem; remedy".
  [[noreturn]] void refuse(std::string_view problem, std::string_view remedy) const;
};

/// Splits at the characters outside parentheses for whose position `is_end` is true; these are dropped. Throws Error
/// for unbalanced parentheses.
std::vector<Part> split(const Part& part, const std::function<bool(std::size_t)>& is_end);
std::vector<Part> split(const Part& part, char separator);

/// The end of the NAME at `at`, if "=" follows it; nothing where no parameter starts.
std::optional<std::size_t> name_end(std::string_view text, std::size_t at);

struct Assignment {
  std::string name;
  Part name_part, value;
};
/// NAME=CANDIDATES.
Assignment parse_assignment(const Part& part);

struct Candidates {
  std::vector<std::string> values;  ///< in parentheses where a bare value cannot represent them
  std::vector<Part> parts;          ///< one for each value, or one for a whole range
  bool is_range = false;
};
Candidates parse_candidates(const Part& part, std::string_view name);

/// A value in the grammar: in parentheses where required.
std::string value_text(const std::string& value);

}  // namespace genrewise::grammar
