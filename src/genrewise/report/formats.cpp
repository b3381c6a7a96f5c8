#include "genrewise/report/formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/report/report.hpp"
#include "genrewise/report/write_run.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr std::size_t kSettingsShown = 20;

bool is_search(const json& document) {
  return document.at("format") == "genrewise tuning";
}

enum class Style { text, points, decimals, p_value, interval, number };

/// A figure of a model: its column in CSV and its title in tables (null where it has none).
struct Figure {
  const char *column, *title, *path;
  Style style = Style::number;
};

constexpr Figure kFigures[] = {{"features", "Features", "/features", Style::text},
                               {"columns", nullptr, "/columns"},
                               {"accuracy", "Accuracy (%)", "/accuracy/value", Style::points},
                               {nullptr, "95 % interval", "/accuracy", Style::interval},
                               {"low", nullptr, "/accuracy/low"},
                               {"high", nullptr, "/accuracy/high"},
                               {"test_examples", nullptr, "/accuracy/n"},
                               {nullptr, "over artists", "/accuracy_over_groups", Style::interval},
                               {"low_over_groups", nullptr, "/accuracy_over_groups/low"},
                               {"high_over_groups", nullptr, "/accuracy_over_groups/high"},
                               {"groups", nullptr, "/accuracy_over_groups/groups"},
                               {"macro_f1", "Macro-F1 (%)", "/macro_f1", Style::points},
                               {"balanced_accuracy", nullptr, "/balanced_accuracy"},
                               {"macro_auc", "AUC", "/macro_auc", Style::decimals},
                               {"log_loss", "Log loss", "/log_loss", Style::decimals},
                               {"ece", "ECE", "/calibration/ece", Style::decimals},
                               {"validation_accuracy", "Validation (%)", "/validation/accuracy/value", Style::points},
                               {"p_value", "p", "/versus_best/p_value", Style::p_value},
                               {"p_holm", "p (Holm)", "/versus_best/p_holm", Style::p_value},
                               {"choose_s", nullptr, "/choose_s"},
                               {"fit_s", nullptr, "/fit_s"},
                               {"predict_s", nullptr, "/predict_s"},
                               {"parameters", nullptr, "/parameters"},
                               {"error", nullptr, "/error"}};

json value_of(const Figure& figure, const json& model) {
  const json::json_pointer pointer(figure.path);
  return model.contains(pointer) ? model.at(pointer) : json();
}

std::string text_of(const json& value, Style style) {
  switch (style) {
    case Style::points:
      return points_text(value);
    case Style::decimals:
      return fmt::format("{:.3f}", value.get<double>());
    case Style::p_value:
      return p_text(value);
    case Style::interval:
      return interval_text(value);
    case Style::text:
    case Style::number:
      break;
  }
  return value.is_string()   ? value.get<std::string>()
         : value.is_object() ? to_string(value.get<Parameters>())
                             : value.dump();
}

/// The models and the baseline; "versus_best" has the p-value corrected for all pairs ("p_holm") if the document has
/// it.
std::vector<json> models_of(const json& results) {
  std::vector<json> models(results.at("models").begin(), results.at("models").end());
  models.push_back(results.at("baseline"));
  const json& best = results.at("best");
  for (const json& pair : results.value("pairs", json::array())) {
    for (json& model : models) {
      const json &name = model.at("name"), &first = pair.at("first"), &second = pair.at("second");
      if ((first == name && second == best) || (first == best && second == name))
        model["versus_best"]["p_holm"] = pair.at("p_holm");
    }
  }
  return models;
}

TextTable study_table(const json& results) {
  TextTable table{{{"Model"}}, {}};
  const std::vector<json> models = models_of(results);
  for (const json& model : models) {
    const std::string title = model.at("title");
    table.rows.push_back(
        {{model.contains("error") ? title + " (failed)" : title}, model.at("name") == results.at("best")});
  }
  for (const Figure& figure : kFigures) {
    const bool redundant = figure.style == Style::text && results.at("feature_sets").size() < 2;
    const auto lacks = [&](const json& model) { return value_of(figure, model).is_null(); };
    if (figure.title == nullptr || redundant || std::ranges::all_of(models, lacks)) continue;
    table.columns.push_back({figure.title});
    for (std::size_t i = 0; i < models.size(); ++i) {
      const json value = value_of(figure, models[i]);
      table.rows[i].cells.push_back(value.is_null() ? "" : text_of(value, figure.style));
    }
  }
  return table;
}

/// All figures as numbers; empty where a model has none.
std::string models_csv(const json& results) {
  std::string csv = "model,title,best";
  for (const Figure& figure : kFigures) csv += figure.column ? fmt::format(",{}", figure.column) : "";
  for (const json& model : models_of(results)) {
    csv += '\n';
    append_csv_field(csv, model.at("name").get<std::string>());
    csv += ',';
    append_csv_field(csv, model.at("title").get<std::string>());
    csv += model.at("name") == results.at("best") ? ",1" : ",0";
    for (const Figure& figure : kFigures) {
      if (figure.column == nullptr) continue;
      csv += ',';
      const json value = value_of(figure, model);
      if (!value.is_null()) append_csv_field(csv, text_of(value, Style::number));
    }
  }
  return csv + '\n';
}

TextTable search_table(const json& search) {
  TextTable table{{{"Parameters"}, {"Accuracy (%)"}, {"Standard error"}, {"Log loss"}, {"Fit (s)"}}, {}};
  const json& points = search.at("points");
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t i) { return points[i].contains("error"); });
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::size_t i) { return points[i].at("accuracy").get<double>(); });
  if (order.size() > kSettingsShown) order.resize(kSettingsShown);
  for (const std::size_t i : order) {
    const json& point = points[i];
    const bool simplest = search.at("one_standard_error") == i;
    table.rows.push_back(
        {{to_string(point.at("varied").get<Parameters>()) + (simplest ? " (simplest within one standard error)" : ""),
          points_text(point.at("accuracy")), points_text(point.at("standard_error")),
          fmt::format("{:.3f}", point.at("log_loss").get<double>()),
          fmt::format("{:.3g}", point.at("fit_s").get<double>())},
         search.at("best") == i});
  }
  return table;
}

std::string summary(const json& document) {
  const json& dataset = document.at("dataset");
  if (is_search(document)) {
    return fmt::format("{} settings of {}, each on {} folds of {} examples of {}; features {}.",
                       document.at("points").size(), document.at("kind").get<std::string>(),
                       document.at("folds").get<int>(), dataset.at("examples").get<std::size_t>(),
                       dataset.at("name").get<std::string>(), document.at("features").at("name").get<std::string>());
  }
  const json& split = document.at("split");
  return fmt::format("{}: {} examples of {} genres; {} training, {} validation and {} test examples (split: {}).",
                     dataset.at("name").get<std::string>(), dataset.at("examples").get<std::size_t>(),
                     document.at("labels").size(), split.at("training").get<std::size_t>(),
                     split.at("validation").get<std::size_t>(), split.at("test").get<std::size_t>(),
                     split.at("scheme").get<std::string>());
}

constexpr char kStudyLegend[] =
    "Bold: the best model by validation accuracy. All other figures are of the test part; p: exact McNemar test "
    "against the best model.";
constexpr char kSearchLegend[] = "Means over the folds. Bold: the best setting.";

std::string markdown(const json& document, const TextTable& table) {
  std::string text = fmt::format("# {}\n\n{}\n\n{}\n{}\n", escape_markdown(document.at("name").get<std::string>()),
                                 escape_markdown(summary(document)), markdown_table(table),
                                 is_search(document) ? kSearchLegend : kStudyLegend);
  if (is_search(document) && table.rows.size() < document.at("points").size())
    text += fmt::format(" {} of {} settings are shown.\n", table.rows.size(), document.at("points").size());
  json left_out = json::array();
  for (const json& model : document.value("models", json::array())) {
    if (model.contains("error"))
      left_out.push_back(
          fmt::format("{} failed: {}", model.at("title").get<std::string>(), model.at("error").get<std::string>()));
  }
  for (const json& model : document.value("left_out", json::array()))
    left_out.push_back(fmt::format("{} was left out: {}; {}", model.at("model").get<std::string>(),
                                   model.at("reason").get<std::string>(), model.value("remedy", "")));
  if (!left_out.empty()) text += "\n## Models without figures\n\n" + markdown_list(left_out);
  return text + fmt::format("\n## Caveats\n\n{}\n## How to reproduce\n\n{}\ngenrewise {}, seed {}, {}\n",
                            markdown_list(document.at("notes")),
                            markdown_code(document.at("command").get<std::string>()),
                            document.at("program_version").get<std::string>(), document.at("seed").dump(),
                            document.at("created").get<std::string>());
}

/// The letters, digits and dashes of a name.
std::string as_label(const std::string& name) {
  std::string label;
  for (const char c : name) label += std::isalnum(static_cast<unsigned char>(c)) ? c : '-';
  return label;
}

std::string latex(const json& document, const TextTable& table) {
  std::string text =
      "% \\usepackage{booktabs}; texts beyond Latin script need XeLaTeX or LuaLaTeX.\n\\begin{table}\n"
      "  \\centering\n";
  const std::string name = document.at("name");
  text += fmt::format("  \\caption{{{}: {} {}}}\n  \\label{{tab:{}}}\n  \\begin{{tabular}}{{l{}}}\n    \\toprule\n",
                      escape_latex(name), escape_latex(summary(document)),
                      escape_latex(is_search(document) ? kSearchLegend : kStudyLegend), as_label(name),
                      std::string(table.columns.size() - 1, 'r'));
  const auto add_row = [&](const auto& cells, const auto& text_of, bool strong) {
    std::string line;
    for (const auto& cell : cells) {
      const std::string shown = escape_latex(text_of(cell));
      line +=
          (line.empty() ? "    " : " & ") + (strong && !shown.empty() ? fmt::format("\\textbf{{{}}}", shown) : shown);
    }
    text += line + " \\\\\n";
  };
  add_row(
      table.columns, [](const TextTable::Column& column) { return column.title; }, false);
  text += "    \\midrule\n";
  for (const TextTable::Row& row : table.rows)
    add_row(
        row.cells, [](const std::string& cell) { return cell; }, row.strong);
  return text + "    \\bottomrule\n  \\end{tabular}\n\\end{table}\n";
}

}  // namespace

ReportFormat parse_report_format(std::string_view text) {
  const auto found = std::ranges::find(kReportFormats, text);
  if (found == std::end(kReportFormats))
    throw UsageError(fmt::format("there is no format \"{}\"", text), "--format", "use html, md, tex, csv or json");
  return static_cast<ReportFormat>(found - std::begin(kReportFormats));
}

json valid_utf8(const json& document) {
  return json::parse(document.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string render_run(const json& given, ReportFormat format) {
  return read_json("the results", "run the study or search again", [&]() -> std::string {
    const json document = valid_utf8(given);
    const bool search = is_search(document);
    const auto table = [&] { return search ? search_table(document) : study_table(document); };
    switch (format) {
      case ReportFormat::html:
        return search ? render_tuning_report(document) : render_report(document);
      case ReportFormat::markdown:
        return markdown(document, table());
      case ReportFormat::latex:
        return latex(document, table());
      case ReportFormat::csv:
        return search ? tuning_csv(document) : models_csv(document);
      case ReportFormat::json:
        break;
    }
    return given.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  });
}

}  // namespace genrewise
