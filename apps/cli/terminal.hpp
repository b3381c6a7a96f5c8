// Text on a terminal: display width, wrapping, shortening, escaping; and what standard output and standard error are:
// their width, and whether they show colour.
#pragma once

#include <cstddef>
#include <optional>
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

enum class Stream { out, err };

/// The stream is a terminal.
bool is_terminal(Stream stream);
/// A terminal on which a line can be redrawn: $TERM is not "dumb".
bool can_redraw(Stream stream);

/// The width of the terminal; 80 if it states none.
std::size_t terminal_width(Stream stream);

/// The width for help pages and notes: $COLUMNS, else the terminal's, else 80; from 60 to 100.
std::size_t page_width(Stream stream);

/// The width that tables are fitted to: $COLUMNS, else the terminal's, at least 60. Nothing where neither is known:
/// a file or a pipe receives tables of any width.
std::optional<std::size_t> table_width();

/// Bold and dim text is shown: a terminal that can redraw, and $NO_COLOR is not set.
bool has_colour(Stream stream);

std::string bold(std::string_view text);
std::string dim(std::string_view text);

}  // namespace genrewise::cli
