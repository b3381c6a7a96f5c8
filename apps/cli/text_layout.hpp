// Text on a terminal: display width, wrapping, shortening, escaping.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace genrewise::cli {

inline constexpr std::size_t kDefaultWidth = 80;

/// The cells that a UTF-8 text takes on a terminal: none for combining marks, two for East Asian wide letters and
/// emoji, one for all else.
std::size_t display_width(std::string_view utf8);

/// The text on one line and harmless on a terminal: line breaks, tabs, escape sequences and broken UTF-8 are written
/// as \n, \t, \x1b.
std::string printable(std::string_view utf8);
/// The same for each line of a text that may have several.
std::string printable_lines(std::string_view utf8);

/// Lines of at most `width` cells, broken at blanks and indented; no line end after the last. A word that is longer
/// than a line stays whole.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width = kDefaultWidth);

/// A shell command on lines of at most `width` cells, indented: broken at blanks outside quotes, with a backslash at
/// the end of each broken line; no line end after the last.
std::string wrapped_command(std::string_view command, std::size_t indent, std::size_t width);

/// A path of at most `width` cells: the start is replaced with an ellipsis, at a slash where possible.
std::string shortened_path(std::string_view path, std::size_t width);

}  // namespace genrewise::cli
