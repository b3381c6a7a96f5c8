// Numbers and names as text, for pages and tables.
#pragma once

#include <string>
#include <string_view>

namespace genrewise {

/// Escapes text for HTML (text and quoted attributes): ampersands, angle brackets and quotes become entities, control
/// characters U+FFFD.
std::string escape_html(std::string_view text);

/// "58.2 %".
std::string percent(double share);
/// "4 ms", "1.2 s", "2 min 5 s".
std::string duration_text(double seconds);

}  // namespace genrewise
