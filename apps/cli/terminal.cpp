#include "terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/text.hpp"

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

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;  ///< 0: no valid UTF-8 here
};

CodePoint code_point_at(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes > text.size()) return {};
  char32_t value = first & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[bytes] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
  return {value, bytes};
}

struct Range {
  char32_t first, last;
};
bool in_any(char32_t value, std::span<const Range> ranges) {
  return std::ranges::any_of(ranges, [&](const Range& range) { return range.first <= value && value <= range.last; });
}

// The blocks of Unicode 15 whose letters combine, and those of East_Asian_Width W or F; whole blocks, which is near
// enough to align columns.
constexpr Range kCombining[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5c7},   {0x610, 0x61a},
                                {0x64b, 0x65f},   {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064},
                                {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};
constexpr Range kWide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},  {0x3400, 0x4dbf},
                           {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},  {0xf900, 0xfaff},
                           {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},  {0x1f300, 0x1f64f},
                           {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd}};
// Letters that would turn the direction of a line around, or that a terminal takes as commands.
constexpr Range kControl[] = {{0, 0x1f}, {0x7f, 0x9f}, {0x202a, 0x202e}, {0x2066, 0x2069}, {0x2028, 0x2029}};

std::string escaped(std::string_view bytes) {
  if (bytes == "\n") return "\\n";
  if (bytes == "\r") return "\\r";
  if (bytes == "\t") return "\\t";
  std::string text;
  for (const char byte : bytes) text += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
  return text;
}

/// Joins words to lines of at most `width` cells. `broken` ends each line but the last; lines after the first are
/// indented by `further`.
std::string filled(const std::vector<std::string_view>& words, std::size_t indent, std::size_t further,
                   std::size_t width, std::string_view broken) {
  std::string lines, line(indent, ' ');
  bool first = true;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::size_t reserved = i + 1 < words.size() ? broken.size() : 0;
    if (!first && display_width(line) + 1 + display_width(words[i]) + reserved > width) {
      lines.append(line).append(broken).append("\n");
      line.assign(further, ' ');
      first = true;
    }
    if (!first) line += ' ';
    line += words[i];
    first = false;
  }
  return lines + line;
}

std::vector<std::string_view> words_of(std::string_view text, bool quotes) {
  std::vector<std::string_view> words;
  std::size_t start = 0;
  char quote = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && quotes && (text[i] == '\'' || text[i] == '"')) {
      if (quote == 0 || quote == text[i]) quote = quote == 0 ? text[i] : '\0';
    }
    if (i < text.size() && (text[i] != ' ' || quote != 0)) continue;
    if (i > start || !quotes) words.push_back(text.substr(start, i - start));
    start = i + 1;
  }
  return words;
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

std::size_t display_width(std::string_view utf8) {
  std::size_t width = 0;
  while (!utf8.empty()) {
    const CodePoint point = code_point_at(utf8);
    if (!in_any(point.value, kCombining)) width += in_any(point.value, kWide) ? 2 : 1;
    utf8.remove_prefix(std::max<std::size_t>(point.bytes, 1));
  }
  return width;
}

std::string printable(std::string_view utf8) {
  std::string text;
  while (!utf8.empty()) {
    const CodePoint point = code_point_at(utf8);
    const std::string_view bytes = utf8.substr(0, std::max<std::size_t>(point.bytes, 1));
    if (point.bytes == 0 || in_any(point.value, kControl)) {
      text += escaped(bytes);
    } else {
      text += bytes;
    }
    utf8.remove_prefix(bytes.size());
  }
  return text;
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  if (text.empty()) return std::string(indent, ' ');
  return filled(words_of(text, false), indent, indent, width, "");
}

std::string wrapped_command(std::string_view command, std::size_t indent, std::size_t width) {
  std::vector<std::string_view> units;  // an option stays with its value
  for (const std::string_view word : words_of(command, true)) {
    const bool value = !units.empty() && units.back().starts_with('-') && !word.starts_with('-') &&
                       units.back().find(' ') == std::string_view::npos;
    if (value) {
      units.back() = {units.back().data(), static_cast<std::size_t>(word.data() + word.size() - units.back().data())};
    } else {
      units.push_back(word);
    }
  }
  return filled(units, indent, indent + 4, width, " \\");
}

std::string shortened_path(std::string_view path, std::size_t width) {
  if (display_width(path) <= width) return std::string(path);
  for (std::size_t slash = path.find('/', 1); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    const std::string_view end = path.substr(slash);
    if (end.size() > 1 && display_width(end) + 1 <= width) return fmt::format("…{}", end);
  }
  while (!path.empty() && display_width(path) + 1 > width) {
    path.remove_prefix(std::max<std::size_t>(code_point_at(path).bytes, 1));
  }
  return fmt::format("…{}", path);
}

std::string printable_lines(std::string_view utf8) {
  std::string text;
  for (const std::string& line : split_text(utf8, '\n')) text += printable(line) + '\n';
  text.pop_back();
  return text;
}

}  // namespace genrewise::cli
