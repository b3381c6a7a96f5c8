#include "genrewise/report/formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/report/write_run.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr std::size_t kSettingsShown = 20;

bool is_search(const json& document) {
  return document.at("format") == "genrewise tuning";
}

enum class Style { text, points, decimals, p_value, interval, list, number };
/// Figures of one group form a table.
enum class Group { test, splits, nested, seeds };

/// A figure of a model: its column in CSV and its title in tables (null where it has none).
struct Figure {
  const char *column, *title, *path;
  Style style = Style::number;
  Group group = Group::test;
};

constexpr Figure kFigures[] = {
    {"features", "Features", "/features", Style::text},
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
    {"error", nullptr, "/error"},
    {"grouped_accuracy", "Grouped (%)", "/splits/grouped/value", Style::points, Group::splits},
    {nullptr, "95 % interval", "/splits/grouped", Style::interval, Group::splits},
    {"grouped_low", nullptr, "/splits/grouped/low"},
    {"grouped_high", nullptr, "/splits/grouped/high"},
    {"random_accuracy", "Random (%)", "/splits/random/value", Style::points, Group::splits},
    {nullptr, "95 % interval", "/splits/random", Style::interval, Group::splits},
    {"random_low", nullptr, "/splits/random/low"},
    {"random_high", nullptr, "/splits/random/high"},
    {"nested_accuracy", "Accuracy (%)", "/nested/accuracy/value", Style::points, Group::nested},
    {nullptr, "95 % interval", "/nested/accuracy", Style::interval, Group::nested},
    {"nested_low", nullptr, "/nested/accuracy/low"},
    {"nested_high", nullptr, "/nested/accuracy/high"},
    {"nested_folds", "Folds (%)", "/nested/folds", Style::list, Group::nested},
    {"nested_error", "Failed", "/nested/error", Style::text, Group::nested},
    {"seeds_mean", "Mean (%)", "/repeats/mean", Style::points, Group::seeds},
    {"seeds_sd", "Standard deviation", "/repeats/sd", Style::points, Group::seeds},
    {"seeds_accuracies", "With each seed (%)", "/repeats/values", Style::list, Group::seeds}};

json value_of(const Figure& figure, const json& model) {
  const json::json_pointer pointer(figure.path);
  return model.contains(pointer) ? model.at(pointer) : json();
}

std::string text_of(const json& value, Style style) {
  std::string text;
  switch (style) {
    case Style::points:
      return points_text(value);
    case Style::decimals:
      return fmt::format("{:.3f}", value.get<double>());
    case Style::p_value:
      return p_text(value);
    case Style::interval:
      return interval_text(value);
    case Style::list:
      for (const json& each : value) text += (text.empty() ? "" : " ") + points_text(each);
      return text;
    case Style::text:
    case Style::number:
      break;
  }
  return value.is_string()   ? value.get<std::string>()
         : value.is_object() ? to_string(value.get<Parameters>())
                             : value.dump();
}

/// The models and the baseline, each with its figures from other members: "versus_best" with the p-value corrected for
/// all pairs, "splits", "nested" and "repeats".
std::vector<json> models_of(const json& results) {
  std::vector<json> models(results.at("models").begin(), results.at("models").end());
  models.push_back(results.at("baseline"));
  const auto set = [&](const json& name, const std::string& path, const json& value) {
    for (json& model : models) {
      if (model.at("name") == name) model[json::json_pointer(path)] = value;
    }
  };
  const json &best = results.at("best"), none = json::array(), nothing = json::object();
  for (const json& pair : results.value("pairs", none)) {
    const json &first = pair.at("first"), &second = pair.at("second");
    if (first == best || second == best) set(first == best ? second : first, "/versus_best/p_holm", pair.at("p_holm"));
  }
  for (const json& scheme : results.value("protocols", nothing).value("schemes", none)) {
    for (const json& entry : scheme.at("models"))
      set(entry.at("name"), "/splits/" + scheme.at("scheme").get<std::string>(), entry.at("accuracy"));
  }
  for (const std::string member : {"nested", "repeats"}) {
    for (const json& entry : results.value(member, nothing).value("models", none))
      set(entry.at("name"), "/" + member, entry);
  }
  return models;
}

bool is_features(const Figure& figure) {
  return figure.path == std::string_view("/features");
}

/// The models' features, if there are several, and the figures of a group, without columns that no model has; of other
/// groups than the first without models that have none of them.
TextTable figures_table(const json& results, const std::vector<json>& models, Group group) {
  std::vector<const Figure*> figures;
  for (const Figure& figure : kFigures) {
    const bool redundant = is_features(figure) && results.at("feature_sets").size() < 2;
    const auto has = [&](const json& model) { return !value_of(figure, model).is_null(); };
    if ((figure.group == group || is_features(figure)) && figure.title != nullptr && !redundant &&
        std::ranges::any_of(models, has))
      figures.push_back(&figure);
  }
  TextTable table{{{"Model"}}, {}};
  for (const Figure* figure : figures) table.columns.push_back({figure->title, figure->style == Style::list});
  for (const json& model : models) {
    const std::string title = model.at("title");
    TextTable::Row row{{model.contains("error") ? title + " (failed)" : title}, model.at("name") == results.at("best")};
    bool empty = group != Group::test;
    for (const Figure* figure : figures) {
      const json value = value_of(*figure, model);
      row.cells.push_back(value.is_null() ? "" : text_of(value, figure->style));
      empty = empty && (value.is_null() || is_features(*figure));
    }
    if (!empty) table.rows.push_back(std::move(row));
  }
  return table;
}

TextTable published_table(const json& results) {
  TextTable table{{{"Method"}, {"Accuracy (%)"}, {"Protocol", true}, {"As here", true}, {"Source", true}}, {}};
  for (const json& figure : results.value("published", json::array())) {
    table.rows.push_back({{figure.at("method"), points_text(figure.at("accuracy")), figure.at("protocol"),
                           figure.at("this_protocol") ? "yes" : "no", figure.at("source")}});
  }
  return table;
}

/// A row per set of features and a column per model.
template <class Cell>
TextTable ablation_table(const json& results, Cell cell) {
  TextTable table{{{"Features"}, {"Columns"}}, {}};
  for (const json& row : results.value("ablation", json::array())) {
    TextTable::Row cells{{row.at("features"), row.at("columns").dump()}};
    for (const json& model : row.at("models")) {
      if (table.rows.empty()) table.columns.push_back({model.at("name")});
      cells.cells.push_back(model.contains("error") ? "failed" : cell(model));
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::vector<Section> study_sections(const json& results) {
  const json &split = results.at("split"), &dataset = results.at("dataset"), nothing = json::object();
  const std::vector<json> models = models_of(results);
  const std::string summary = fmt::format(
      "{}: {} examples of {} genres; {} training, {} validation and {} test examples (split: {}).",
      dataset.at("name").get<std::string>(), dataset.at("examples").get<std::size_t>(), results.at("labels").size(),
      split.at("training").get<std::size_t>(), split.at("validation").get<std::size_t>(),
      split.at("test").get<std::size_t>(), split.at("scheme").get<std::string>());
  std::vector<Section> sections = {
      {.text = summary,
       .table = figures_table(results, models, Group::test),
       .note = "Bold: the best model by validation accuracy. All other figures are of the test part; p: exact McNemar "
               "test against the best model."},
      {.title = "Grouped and random splits",
       .table = figures_table(results, models, Group::splits),
       .note = results.value("protocols", nothing).value("note", "")},
      {.title = "Nested cross-validation: accuracy over all outer folds",
       .table = figures_table(results, models, Group::nested)},
      {.title = fmt::format("Test accuracy with {} seeds: mean and standard deviation",
                            results.value("repeats", nothing).value("seeds", json::array()).size()),
       .table = figures_table(results, models, Group::seeds)},
      {.title = "Published figures",
       .table = published_table(results),
       .note = "Figures of another protocol than the study's are not comparable."},
      {.title = "Test accuracy in percent by features",
       .table =
           ablation_table(results, [](const json& model) { return points_text(model.at("accuracy").at("value")); })},
      {.title = "Seconds to fit once and to predict the test part",
       .table = ablation_table(results, [](const json& model) {
         return fmt::format("{:.3f}", model.at("fit_s").get<double>() + model.at("predict_s").get<double>());
       })}};
  Section without{.title = "Models without figures"};
  for (const json& model : results.at("models")) {
    if (model.contains("error"))
      without.items.push_back(
          fmt::format("{} failed: {}", model.at("title").get<std::string>(), model.at("error").get<std::string>()));
  }
  for (const json& model : results.value("left_out", json::array()))
    without.items.push_back(fmt::format("{} was left out: {}; {}", model.at("model").get<std::string>(),
                                        model.at("reason").get<std::string>(), model.value("remedy", "")));
  sections.push_back(std::move(without));
  return sections;
}

Section search_section(const json& search) {
  const json& points = search.at("points");
  Section section{
      .text = fmt::format("{} settings of {}, each on {} folds of {} examples of {}; features {}.", points.size(),
                          search.at("kind").get<std::string>(), search.at("folds").get<int>(),
                          search.at("dataset").at("examples").get<std::size_t>(),
                          search.at("dataset").at("name").get<std::string>(),
                          search.at("features").at("name").get<std::string>()),
      .table = {{{"Parameters"}, {"Accuracy (%)"}, {"Standard error"}, {"Log loss"}, {"Fit (s)"}}, {}},
      .note = "Means over the folds. Bold: the best setting."};
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t i) { return points[i].contains("error"); });
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::size_t i) { return points[i].at("accuracy").get<double>(); });
  if (order.size() > kSettingsShown) order.resize(kSettingsShown);
  for (const std::size_t i : order) {
    const json& point = points[i];
    const bool simplest = search.at("one_standard_error") == i;
    section.table.rows.push_back(
        {{to_string(point.at("varied").get<Parameters>()) + (simplest ? " (simplest within one standard error)" : ""),
          points_text(point.at("accuracy")), points_text(point.at("standard_error")),
          fmt::format("{:.3f}", point.at("log_loss").get<double>()),
          fmt::format("{:.3g}", point.at("fit_s").get<double>())},
         search.at("best") == i});
  }
  if (order.size() < points.size())
    section.note += fmt::format(" {} of {} settings are shown.", order.size(), points.size());
  return section;
}

/// All figures as numbers; empty where a model has none.
std::string models_csv(const json& results) {
  std::vector<std::vector<std::string>> rows = {{"model", "title", "best"}};
  for (const Figure& figure : kFigures) {
    if (figure.column != nullptr) rows.front().emplace_back(figure.column);
  }
  for (const json& model : models_of(results)) {
    rows.push_back({model.at("name"), model.at("title"), model.at("name") == results.at("best") ? "1" : "0"});
    for (const Figure& figure : kFigures) {
      if (figure.column == nullptr) continue;
      const json value = value_of(figure, model);
      rows.back().push_back(value.is_null() ? "" : text_of(value, Style::number));
    }
  }
  return csv_text(rows);
}

}  // namespace

std::vector<Section> sections_of(const json& document) {
  std::vector<Section> sections;
  if (is_search(document)) {
    sections.push_back(search_section(document));
  } else {
    sections = study_sections(document);
  }
  const auto notes = document.at("notes").get<std::vector<std::string>>();
  sections.push_back({.title = "Caveats", .text = notes.empty() ? "None." : "", .items = notes});
  sections.push_back(
      {.title = "How to reproduce",
       .code = document.at("command"),
       .note = fmt::format("genrewise {}, seed {}, {}", document.at("program_version").get<std::string>(),
                           document.at("seed").dump(), document.at("created").get<std::string>())});
  std::erase_if(sections, [](const Section& section) {
    return section.text.empty() && section.table.rows.empty() && section.items.empty() && section.code.empty();
  });
  return sections;
}

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
    switch (format) {
      case ReportFormat::html:
        return search ? render_tuning_report(document) : render_report(document);
      case ReportFormat::markdown:
        return markdown(document.at("name").get<std::string>(), sections_of(document));
      case ReportFormat::latex:
        return latex(document.at("name").get<std::string>(), sections_of(document));
      case ReportFormat::csv:
        return search ? tuning_csv(document) : models_csv(document);
      case ReportFormat::json:
        break;
    }
    return given.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  });
}

}  // namespace genrewise
