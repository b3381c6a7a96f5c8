// Texts and tables of the formats of a report.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "genrewise/report/formats.hpp"

namespace genrewise {
namespace {

/// Control characters become blanks; `replacement` of a character is empty where it stays.
template <class Replacement>
std::string escaped(std::string_view text, Replacement replacement) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const std::string_view other = byte < 0x20 || byte == 0x7f ? " " : replacement(c);
    if (other.empty()) {
      result += c;
    } else {
      result += other;
    }
  }
  return result;
}

}  // namespace

std::string escape_markdown(std::string_view text) {
  return escaped(text, [escape = std::string("\\ ")](char c) mutable -> std::string_view {
    if (c == '<') return "&lt;";
    if (c == '>') return "&gt;";
    if (c == '&') return "&amp;";
    escape[1] = c;
    return std::string_view("\\`*_[]|~$#").find(c) == std::string_view::npos ? "" : std::string_view(escape);
  });
}

std::string escape_latex(std::string_view text) {
  static constexpr std::pair<char, std::string_view> kCommands[] = {{'\\', "\\textbackslash{}"},
                                                                    {'~', "\\textasciitilde{}"},
                                                                    {'^', "\\textasciicircum{}"},
                                                                    {'<', "\\textless{}"},
                                                                    {'>', "\\textgreater{}"},
                                                                    {'|', "\\textbar{}"},
                                                                    {'"', "''"}};
  return escaped(text, [escape = std::string("\\ ")](char c) mutable -> std::string_view {
    const auto command = std::ranges::find(kCommands, c, &std::pair<char, std::string_view>::first);
    if (command != std::end(kCommands)) return command->second;
    escape[1] = c;
    return std::string_view("&%$#_{}").find(c) == std::string_view::npos ? "" : std::string_view(escape);
  });
}

std::string markdown_code(std::string_view text) {
  std::size_t longest = 0, run = 0;
  for (const char c : text) longest = std::max(longest, run = c == '`' ? run + 1 : 0);
  const std::string fence(std::max<std::size_t>(3, longest + 1), '`');
  return fmt::format("{0}sh\n{1}\n{0}\n", fence, text);
}

std::string markdown_list(const nlohmann::json& texts) {
  std::string list;
  for (const auto& text : texts) list += "- " + escape_markdown(text.get<std::string>()) + "\n";
  return list.empty() ? "None.\n" : list;
}

std::string markdown_table(const TextTable& table) {
  std::string text = "|", rule = "\n|";
  for (const TextTable::Column& column : table.columns) {
    text += " " + escape_markdown(column.title) + " |";
    rule += column.left || &column == &table.columns.front() ? " --- |" : " ---: |";
  }
  text += rule + "\n";
  for (const TextTable::Row& row : table.rows) {
    text += "|";
    for (const std::string& cell : row.cells) {
      const std::string shown = escape_markdown(cell);
      text += row.strong && !shown.empty() ? " **" + shown + "** |" : " " + shown + " |";
    }
    text += "\n";
  }
  return text;
}

std::string p_text(double p_value) {
  return p_value < 0.001 ? "< 0.001" : fmt::format("{:.3f}", p_value);
}

std::string points_text(double share) {
  return fmt::format("{:.1f}", 100 * share);
}

std::string interval_text(const nlohmann::json& interval) {
  return points_text(interval.at("low")) + " – " + points_text(interval.at("high"));
}

const nlohmann::json* find_model(const nlohmann::json& results, const nlohmann::json& name) {
  for (const auto& model : results.at("models")) {
    if (model.at("name") == name) return &model;
  }
  return nullptr;
}

}  // namespace genrewise
