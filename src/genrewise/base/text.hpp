// String helpers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

/// Removes whitespace (space, tab, carriage return, line feed) at both ends.
std::string_view trimmed(std::string_view text);

/// The text behind a byte order mark of UTF-8 at its start.
std::string_view without_byte_order_mark(std::string_view text);

/// The first bytes of a text, at most `most`, without a part of a UTF-8 character at the end.
std::string_view first_bytes(std::string_view text, std::size_t most);

/// The same for showing what others wrote: with blanks for control characters.
std::string short_text(std::string_view text, std::size_t most = 300);

/// Converts ASCII letters to lower case, independent of the locale.
std::string lower_case(std::string_view text);

/// For comparing names: letters in lower case (Latin, Greek, Cyrillic) without accents, and digits; "&", "+" and an "n"
/// between words are "and" ("Rock 'n' Roll" -> "rockandroll"). A text without letters and digits is returned trimmed.
std::string name_key(std::string_view text);

/// Splits at each separator: "a:b" -> {"a", "b"}. An empty text gives one empty part.
std::vector<std::string> split_text(std::string_view text, char separator);

/// The value of an environment variable; empty if it is not set.
std::string environment_variable(const char* name);

}  // namespace genrewise
