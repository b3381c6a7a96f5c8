#include "terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cwchar>
#include <utility>
#include <vector>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/base/utf8_locale.hpp"

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
  wchar_t value = 0;
  std::size_t bytes = 0;  ///< 0: no valid UTF-8 here
  std::size_t width = 1;  ///< in cells of a terminal
};

CodePoint code_point_at(std::string_view text) {
  if (text.front() == 0) return {0, 1, 1};
  const Utf8Locale utf8;
  CodePoint point;
  std::mbstate_t state{};
  const std::size_t bytes = std::mbrtowc(&point.value, text.data(), text.size(), &state);
  if (bytes <= text.size() && point.value <= 0x10ffff) point.bytes = bytes;  // C.UTF-8 has longer numbers too
  if (const int width = ::wcwidth(point.value); width >= 0 && point.bytes > 0)
    point.width = static_cast<std::size_t>(width);
  return point;
}

/// Whether it would turn the direction of a line around, or a terminal takes it as a command.
bool is_control(wchar_t value) {
  constexpr std::pair<wchar_t, wchar_t> kControl[] = {
      {0, 0x1f}, {0x7f, 0x9f}, {0x202a, 0x202e}, {0x2066, 0x2069}, {0x2028, 0x2029}};
  return std::ranges::any_of(kControl,
                             [&](const auto& range) { return range.first <= value && value <= range.second; });
}

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
    width += point.width;
    utf8.remove_prefix(std::max<std::size_t>(point.bytes, 1));
  }
  return width;
}

std::string printable(std::string_view utf8) {
  std::string text;
  while (!utf8.empty()) {
    const CodePoint point = code_point_at(utf8);
    const std::string_view bytes = utf8.substr(0, std::max<std::size_t>(point.bytes, 1));
    if (point.bytes == 0 || is_control(point.value)) {
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
