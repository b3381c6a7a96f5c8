// The inner part of the grammar of model_spec.hpp: parameters and their candidates. Private to this module.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise::grammar {

/// A stretch of the whole text, so that errors can say where.
struct Part {
  std::string_view whole;
  std::size_t begin = 0, end = 0;
  std::string_view text() const { return whole.substr(begin, end - begin); }
  /// Throws Error: "at character N: problem; remedy".
  [[noreturn]] void refuse(std::string_view problem, std::string_view remedy) const;
};

/// Splits at the characters outside parentheses that `is_end` picks by their position, which are left out. Throws Error
/// for parentheses that do not match.
std::vector<Part> split(const Part& part, const std::function<bool(std::size_t)>& is_end);
std::vector<Part> split(const Part& part, char separator);

/// The end of the NAME that starts at `at`, where "=" follows it; nothing where no parameter starts there.
std::optional<std::size_t> name_end(std::string_view text, std::size_t at);

struct Assignment {
  std::string name;
  Part name_part, value;
};
/// NAME=CANDIDATES.
Assignment parse_assignment(const Part& part);

struct Candidates {
  std::vector<std::string> values;  ///< in parentheses where they hold what a bare value cannot
  std::vector<Part> parts;          ///< of each value; of a range one for all
  bool is_range = false;
};
Candidates parse_candidates(const Part& part, std::string_view name);

/// A value as it is written: in parentheses where it must be.
std::string value_text(const std::string& value);

/// Letters, digits, dots and hyphens of a text, hyphens for all else.
std::string plain_characters(std::string_view text);

}  // namespace genrewise::grammar
