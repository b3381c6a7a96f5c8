// Texts and tables of the formats of a report.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "genrewise/base/csv.hpp"
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

bool is_left(const TextTable& table, const TextTable::Column& column) {
  return column.left || &column == &table.columns.front();
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

std::string markdown_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += "- " + escape_markdown(text) + "\n";
  return list.empty() ? "None.\n" : list;
}

std::string markdown_table(const TextTable& table) {
  std::string text = "|", rule = "\n|";
  for (const TextTable::Column& column : table.columns) {
    text += " " + escape_markdown(column.title) + " |";
    rule += is_left(table, column) ? " --- |" : " ---: |";
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

std::string markdown(std::string_view title, const std::vector<Section>& sections) {
  std::string text = "# " + escape_markdown(title) + "\n";
  for (const Section& section : sections) {
    if (!section.title.empty()) text += "\n## " + escape_markdown(section.title) + "\n";
    if (!section.text.empty()) text += "\n" + escape_markdown(section.text) + "\n";
    if (!section.table.rows.empty()) text += "\n" + markdown_table(section.table);
    if (!section.items.empty()) text += "\n" + markdown_list(section.items);
    if (!section.code.empty()) text += "\n" + markdown_code(section.code);
    if (!section.note.empty()) text += "\n" + escape_markdown(section.note) + "\n";
  }
  return text;
}

std::string latex(std::string_view title, const std::vector<Section>& sections) {
  std::string text = "% \\usepackage{booktabs}; texts beyond Latin script need XeLaTeX or LuaLaTeX.\n", label;
  for (const char c : title) label += std::isalnum(static_cast<unsigned char>(c)) ? c : '-';
  int tables = 0;
  for (const auto& [heading, summary, table, items, code, note] : sections) {
    if (table.rows.empty()) continue;
    const std::string name = heading.empty() ? std::string(title) : fmt::format("{}, {}", title, heading);
    std::string alignment, lines, line;
    const auto add = [&](const std::string& cell, bool strong) {
      const std::string shown = escape_latex(cell);
      line += (line.empty() ? "    " : " & ") + (strong && !shown.empty() ? "\\textbf{" + shown + "}" : shown);
    };
    const auto end = [&] { lines += std::exchange(line, "") + " \\\\\n"; };
    for (const TextTable::Column& column : table.columns) {
      alignment += is_left(table, column) ? 'l' : 'r';
      add(column.title, false);
    }
    end();
    lines += "    \\midrule\n";
    for (const TextTable::Row& row : table.rows) {
      for (const std::string& cell : row.cells) add(cell, row.strong);
      end();
    }
    text += fmt::format(
        "\\begin{{table}}\n  \\centering\n  \\caption{{{}: {} {}}}\n  \\label{{tab:{}{}}}\n"
        "  \\begin{{tabular}}{{{}}}\n    \\toprule\n{}    \\bottomrule\n  \\end{{tabular}}\n\\end{{table}}\n",
        escape_latex(name), escape_latex(summary), escape_latex(note), label,
        tables == 0 ? "" : fmt::format("-{}", tables + 1), alignment, lines);
    ++tables;
  }
  return text;
}

std::string csv_text(const std::vector<std::vector<std::string>>& rows) {
  std::string csv;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) csv += ',';
      append_csv_field(csv, row[i]);
    }
    csv += '\n';
  }
  return csv;
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

TextTable genre_table(const nlohmann::json& genres) {
  TextTable table{{{"genre"}, {"examples"}, {"recall"}, {"precision"}, {"F1"}}, {}};
  for (const auto& genre : genres) {
    const bool tested = genre.at("examples") > 0;
    table.rows.push_back(
        {{genre.at("genre"), genre.at("examples").dump(), tested ? points_text(genre.at("recall")) : "",
          genre.at("predicted") > 0 ? points_text(genre.at("precision")) : "",
          tested ? points_text(genre.at("f1")) : ""}});
  }
  return table;
}

const nlohmann::json* find_model(const nlohmann::json& results, const nlohmann::json& name) {
  for (const auto& model : results.at("models")) {
    if (model.at("name") == name) return &model;
  }
  return nullptr;
}

std::string escape_html(std::string_view text) {
  static constexpr std::pair<char, std::string_view> kEntities[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"},
                                                                    {'"', "&quot;"}, {'\'', "&#39;"}, {'\n', " "},
                                                                    {'\t', " "},     {'\r', " "}};
  std::string safe;
  for (const char c : text) {
    const auto entity = std::ranges::find(kEntities, c, &std::pair<char, std::string_view>::first);
    if (entity != std::end(kEntities)) {
      safe += entity->second;
    } else {
      safe += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? std::string("\xEF\xBF\xBD") : std::string(1, c);
    }
  }
  return safe;
}

std::string percent(double share) {
  return fmt::format("{:.1f} %", 100 * share);
}

std::string duration_text(double seconds) {
  if (seconds < 0.0995) return fmt::format("{:.{}f} ms", 1000 * seconds, seconds < 0.00995 ? 1 : 0);
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  if (seconds < 119.5) return fmt::format("{:.0f} s", seconds);
  const auto whole = static_cast<long long>(std::lround(seconds));
  if (whole < 7200) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
}

}  // namespace genrewise
