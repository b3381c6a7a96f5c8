/// @file
/// Reads the documents of finished runs, and renders them as Markdown, LaTeX, CSV, JSON or HTML.
/// @code
/// const std::string table = render_run(read_run("runs/fma"), ReportFormat::markdown);
/// @endcode
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

enum class ReportFormat { html, markdown, latex, csv, json };
/// Names of the formats, in the order of ReportFormat; also the extensions of their files.
inline constexpr std::string_view kReportFormats[] = {"html", "md", "tex", "csv", "json"};
/// Throws UsageError for any other text.
ReportFormat parse_report_format(std::string_view text);

/// The document of a run: results.json of a study or tuning.json of a search. `location`: the run folder, or the
/// document in it. Throws Error for a folder that is no run (states what it is), a run without results (states how to
/// continue it), a damaged document and one of a newer version.
nlohmann::json read_run(const std::filesystem::path& location);

/// Markdown: sections_of() the document; LaTeX: their tables, with booktabs. CSV: a row per model (setting) with all
/// figures as numbers. HTML: the page. Throws Error as render_report() does, and for a document whose
/// members have other types than documented.
std::string render_run(const nlohmann::json& document, ReportFormat format);

/// Renders results.json as one self-contained HTML page: the document, styles and scripts of web/ inline, no request to
/// anywhere. Texts of the document are shown as text. Throws Error for a document of another format or a newer version,
/// and for a value that is missing or of another type.
std::string render_report(const nlohmann::json& document);

/// The same for the document of tuning.json.
std::string render_tuning_report(const nlohmann::json& document);

/// Copy in which bytes that are not UTF-8 are U+FFFD, so that no label can break a page.
nlohmann::json valid_utf8(const nlohmann::json& document);

/// Table of texts. The first column and those marked are left-aligned, the others right-aligned.
struct TextTable {
  struct Column {
    std::string title;
    bool left = false;
  };
  struct Row {
    std::vector<std::string> cells;
    bool strong = false;
  };
  std::vector<Column> columns;
  std::vector<Row> rows;
};

/// A part of a report, in this order. What is empty is left out.
struct Section {
  std::string title = {}, text = {};
  TextTable table = {};
  std::vector<std::string> items = {};  ///< of a list
  std::string code = {};                ///< for a shell
  std::string note = {};
};
/// Of a study: the models (the first section), the splits `grouped` and `random`, nested cross-validation, repeats,
/// published figures, accuracy by features, models without figures, caveats and the command. Of a search: its 20 best
/// settings, caveats and the command. Members that the document lacks are left out.
std::vector<Section> sections_of(const nlohmann::json& document);

/// GitHub-flavoured Markdown; the tables for LaTeX with booktabs. All texts are escaped.
std::string markdown(std::string_view title, const std::vector<Section>& sections);
std::string latex(std::string_view title, const std::vector<Section>& sections);
std::string markdown_table(const TextTable& table);
/// RFC 4180, a line per row.
std::string csv_text(const std::vector<std::vector<std::string>>& rows);
/// The text on one line, shown as it is in Markdown and in LaTeX. Control characters become blanks.
std::string escape_markdown(std::string_view text);
std::string escape_latex(std::string_view text);
/// Escapes text for HTML (text and quoted attributes): ampersands, angle brackets and quotes become entities, control
/// characters U+FFFD.
std::string escape_html(std::string_view text);
/// Fenced block of code, whatever the text contains.
std::string markdown_code(std::string_view text);
std::string markdown_list(const std::vector<std::string>& texts);

/// "0.034", "< 0.001".
std::string p_text(double p_value);
/// "58.2", of a share in 0..1.
std::string points_text(double share);
/// "58.2 %".
std::string percent(double share);
/// "4 ms", "1.2 s", "2 min 5 s".
std::string duration_text(double seconds);
/// "53.9 – 62.4", of {"low", "high"}.
std::string interval_text(const nlohmann::json& interval);
/// Scores by genre; `genres` as in results.json.
TextTable genre_table(const nlohmann::json& genres);

/// The entry of "models" with this name; null if there is none.
const nlohmann::json* find_model(const nlohmann::json& results, const nlohmann::json& name);

}  // namespace genrewise
