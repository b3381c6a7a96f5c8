#include "terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/text.hpp"
#include "text_layout.hpp"

namespace genrewise::cli {
namespace {

constexpr std::size_t kLeastWidth = 60, kMostWidth = 100;

int descriptor_of(Stream stream) {
  return stream == Stream::out ? STDOUT_FILENO : STDERR_FILENO;
}

std::optional<std::size_t> known_width(Stream stream) {
  long long stated = 0;
  if (parse_number(environment_variable("COLUMNS"), stated) && stated > 0) return static_cast<std::size_t>(stated);
  if (!is_terminal(stream)) return std::nullopt;
  return terminal_width(stream);
}

}  // namespace

bool is_terminal(Stream stream) {
  return isatty(descriptor_of(stream)) == 1;
}

bool can_redraw(Stream stream) {
  const std::string term = environment_variable("TERM");
  return is_terminal(stream) && !term.empty() && term != "dumb";
}

std::size_t terminal_width(Stream stream) {
  winsize size{};
  return ioctl(descriptor_of(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kDefaultWidth;
}

std::size_t page_width(Stream stream) {
  return std::clamp(known_width(stream).value_or(kDefaultWidth), kLeastWidth, kMostWidth);
}

std::optional<std::size_t> table_width() {
  const auto width = known_width(Stream::out);
  return width ? std::optional(std::max(*width, kLeastWidth)) : std::nullopt;
}

bool has_colour(Stream stream) {
  return environment_variable("NO_COLOR").empty() && can_redraw(stream);
}

std::string bold(std::string_view text) {
  return fmt::format("\x1b[1m{}\x1b[0m", text);
}

std::string dim(std::string_view text) {
  return fmt::format("\x1b[2m{}\x1b[0m", text);
}

}  // namespace genrewise::cli
