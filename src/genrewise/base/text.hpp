// Small helpers for text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

/// Without the blanks (space, tab, carriage return, line feed) at both ends.
std::string_view trimmed(std::string_view text);

/// With the ASCII letters in lower case, whatever the locale.
std::string lower_case(std::string_view text);

/// "a:b" -> {"a", "b"}; an empty text is one empty part.
std::vector<std::string> split_text(std::string_view text, char separator);

}  // namespace genrewise
