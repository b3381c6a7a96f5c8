#include "terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "text_layout.hpp"

namespace genrewise::cli {
namespace {

constexpr std::size_t kLeastWidth = 60, kMostWidth = 100;

int descriptor_of(Stream stream) {
  return stream == Stream::out ? STDOUT_FILENO : STDERR_FILENO;
}

std::optional<std::size_t> stated_width() {
  const char* columns = std::getenv("COLUMNS");
  if (columns == nullptr) return std::nullopt;
  const std::string_view text = columns;
  std::size_t width = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), width);
  if (failure != std::errc() || end != text.data() + text.size() || width == 0) return std::nullopt;
  return width;
}

std::optional<std::size_t> known_width(Stream stream) {
  if (const auto stated = stated_width()) return stated;
  if (!is_terminal(stream)) return std::nullopt;
  winsize size{};
  if (ioctl(descriptor_of(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kDefaultWidth;
}

}  // namespace

bool is_terminal(Stream stream) {
  return isatty(descriptor_of(stream)) == 1;
}

bool can_redraw(Stream stream) {
  const char* term = std::getenv("TERM");
  return is_terminal(stream) && term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

std::size_t page_width(Stream stream) {
  return std::clamp(known_width(stream).value_or(kDefaultWidth), kLeastWidth, kMostWidth);
}

std::optional<std::size_t> table_width() {
  const auto width = known_width(Stream::out);
  return width ? std::optional(std::max(*width, kLeastWidth)) : std::nullopt;
}

bool has_colour(Stream stream) {
  const char* no_colour = std::getenv("NO_COLOR");
  if (no_colour != nullptr && *no_colour != '\0') return false;
  return can_redraw(stream);
}

std::string bold(std::string_view text) {
  return fmt::format("\x1b[1m{}\x1b[0m", text);
}

std::string dim(std::string_view text) {
  return fmt::format("\x1b[2m{}\x1b[0m", text);
}

}  // namespace genrewise::cli
