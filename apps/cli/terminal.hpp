// What standard output and standard error are: their width, and whether they show colour.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace genrewise::cli {

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
