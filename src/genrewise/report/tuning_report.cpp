#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "genrewise/base/json_file.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/report/charts.hpp"
#include "genrewise/report/page.hpp"
#include "genrewise/report/report.hpp"
#include "genrewise/study/run_document.hpp"
#include "report_sources.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

const json& point_at(const json& results, const char* which) {
  return results.at("points").at(results.at(which).get<std::size_t>());
}

std::string value_name(const std::string& parameter, const std::string& value) {
  return parameter == "pca_components" && value == "0" ? "none" : value;
}

/// For each value of the axis, the best point with it.
json axis_chart(const json& results, const json& axis) {
  const std::string parameter = axis.at("parameter");
  const json &best = point_at(results, "best"), &simple = point_at(results, "one_standard_error");
  std::vector<TriedValue> values;
  for (const json& text : axis.at("values")) {
    const json* leader = nullptr;
    for (const json& point : results.at("points")) {
      if (point.contains("error") || point.at("varied").at(parameter) != text) continue;
      if (leader == nullptr || point.at("accuracy") > leader->at("accuracy")) leader = &point;
    }
    if (leader == nullptr) continue;
    const double accuracy = leader->at("accuracy"), error = leader->at("standard_error");
    values.push_back({value_name(parameter, text), accuracy, accuracy - error, accuracy + error,
                      best.at("varied").at(parameter) == text, simple.at("varied").at(parameter) == text,
                      leader->at("fold_accuracy").get<std::vector<double>>()});
  }
  const double enough = best.at("accuracy").get<double>() - best.at("standard_error").get<double>();
  return {{"chart", tried_svg(values, parameter, enough)}};
}

json variance_chart(const json& results) {
  const json& variance = results.at("explained_variance");
  if (variance.is_null()) return nullptr;
  const auto shares = variance.at("shares").get<std::vector<double>>();
  return {{"chart", variance_svg(shares)},
          {"title", variance.at("features") == "all"
                        ? std::string("Explained variance")
                        : fmt::format("Explained variance of {}", variance.at("features").get<std::string>())},
          {"thresholds", variance_thresholds(shares)}};
}

/// Table of two axes if all of their combinations were tried.
json product_table(const json& results) {
  const json& axes = results.at("axes");
  if (axes.size() != 2) return nullptr;
  const json &rows = axes[0], &columns = axes[1];
  if (rows.at("values").size() * columns.at("values").size() != results.at("points").size()) return nullptr;
  const double best = point_at(results, "best").at("accuracy");
  double least = best;
  for (const json& point : results.at("points")) {
    if (!point.contains("error")) least = std::min(least, point.at("accuracy").get<double>());
  }
  json view = {{"row_parameter", rows.at("parameter")},
               {"column_parameter", columns.at("parameter")},
               {"columns", json::array()},
               {"rows", json::array()}};
  for (const json& value : columns.at("values")) {
    view["columns"].push_back(value_name(columns.at("parameter"), value));
  }
  for (std::size_t i = 0; i < rows.at("values").size(); ++i) {
    json cells = json::array();
    for (std::size_t j = 0; j < columns.at("values").size(); ++j) {
      const json& point = results.at("points").at(i * columns.at("values").size() + j);
      if (point.contains("error")) {
        cells.push_back({{"share", "0"}, {"text", "–"}, {"strong", false}, {"top", false}});
        continue;
      }
      const double accuracy = point.at("accuracy");
      const double share = best > least ? 0.05 + 0.85 * (accuracy - least) / (best - least) : 0.5;
      cells.push_back({{"share", fmt::format("{:.3f}", share)},
                       {"text", fmt::format("{:.1f}", 100 * accuracy)},
                       {"strong", share > 0.55},
                       {"top", accuracy == best}});
    }
    view["rows"].push_back(
        {{"value", value_name(rows.at("parameter"), rows.at("values")[i])}, {"cells", std::move(cells)}});
  }
  return view;
}

json point_rows(const json& results) {
  const json& points = results.at("points");
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto accuracy = [&](std::size_t i) {
    return points[i].contains("error") ? -1.0 : points[i].at("accuracy").get<double>();
  };
  std::ranges::stable_sort(order, std::greater<>(), accuracy);
  json rows = json::array();
  for (const std::size_t i : order) {
    const json& point = points[i];
    json mark = nullptr;
    if (results.at("one_standard_error") == i) mark = "simplest within one standard error";
    if (results.at("best") == i) mark = mark.is_null() ? "best" : "best, and the simplest within one standard error";
    rows.push_back({{"parameters", to_string(point.at("varied").get<Parameters>())},
                    {"mark", mark},
                    {"error", point.contains("error") ? point.at("error") : json()},
                    {"accuracy", percent(point.at("accuracy"))},
                    {"standard_error", fmt::format("{:.1f}", 100 * point.at("standard_error").get<double>())},
                    {"log_loss", fmt::format("{:.3f}", point.at("log_loss").get<double>())},
                    {"fit", duration_text(point.at("fit_s"))},
                    {"predict", duration_text(point.at("predict_s"))}});
  }
  return rows;
}

std::string tuning_page(const json& results) {
  const json& points = results.at("points");
  const json &best = point_at(results, "best"), &simple = point_at(results, "one_standard_error");
  json axes = json::array();
  for (const json& axis : results.at("axes")) {
    if (axis.at("values").size() > 1) axes.push_back(axis_chart(results, axis));
  }
  json view = results;
  view["page_title"] = "parameter search";
  view["variance"] = variance_chart(results);
  view["product"] = product_table(results);
  view["point_count"] = points.size();
  view["dataset"] = results.at("dataset").at("name");
  view["location"] = location_of(results.at("dataset"));
  view["used"] = results.at("dataset").at("used");
  view["examples"] = results.at("dataset").at("examples");
  view["recipe"] = results.at("features").at("name");
  view["recipe_hash"] = results.at("features").at("hash");
  view["columns"] = results.at("features").at("columns");
  view["best_accuracy"] = percent(best.at("accuracy"));
  view["best_error"] = fmt::format("{:.1f}", 100 * best.at("standard_error").get<double>());
  view["best_parameters"] = to_string(best.at("varied").get<Parameters>());
  view["simple_parameters"] = to_string(simple.at("varied").get<Parameters>());
  view["simple_accuracy"] = percent(simple.at("accuracy"));
  view["axes"] = std::move(axes);
  view["points"] = point_rows(results);
  return render_page(kTuningHtml, view);
}

}  // namespace

std::string render_tuning_report(const json& document) {
  require_document(document, "genrewise tuning",
                   {"name", "program_version", "command", "created", "seed", "dataset", "features", "kind", "axes",
                    "folds", "scheme", "points", "best", "one_standard_error", "explained_variance", "notes"},
                   "tuning.json");
  const json results = valid_utf8(document);
  return read_json("tuning.json", "run the command that wrote it again", [&] { return tuning_page(results); });
}

}  // namespace genrewise
