#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "genrewise/study/charts.hpp"
#include "genrewise/study/learners.hpp"
#include "genrewise/study/page.hpp"
#include "genrewise/study/report.hpp"
#include "report_sources.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

/// For each value of the axis the best point that has it.
std::string axis_chart(const json& results, const json& axis) {
  const std::string parameter = axis.at("parameter");
  const json& best = results.at("points").at(results.at("best").get<std::size_t>());
  std::vector<TriedValue> values;
  for (const json& text : axis.at("values")) {
    const json* leader = nullptr;
    for (const json& point : results.at("points")) {
      if (point.contains("error") || point.at("varied").at(parameter) != text) continue;
      if (leader == nullptr || point.at("accuracy") > leader->at("accuracy")) leader = &point;
    }
    if (leader == nullptr) continue;
    const double accuracy = leader->at("accuracy"), error = leader->at("standard_error");
    values.push_back({text, accuracy, accuracy - error, accuracy + error, best.at("varied").at(parameter) == text});
  }
  return tried_svg(values, parameter);
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
    if (results.at("one_standard_error") == i) mark = "· one standard error";
    if (results.at("best") == i) mark = "· best";
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

}  // namespace

std::string render_tuning_report(const json& document) {
  const json results = valid_utf8(document);
  const json& points = results.at("points");
  const json& best = points.at(results.at("best").get<std::size_t>());
  const json& simple = points.at(results.at("one_standard_error").get<std::size_t>());
  json axes = json::array();
  for (const json& axis : results.at("axes")) axes.push_back({{"chart", axis_chart(results, axis)}});
  json view = results;
  view["point_count"] = points.size();
  view["dataset"] = results.at("dataset").at("name");
  view["place"] = results.at("dataset").at("place");
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
  view["notes"] = {
      fmt::format(
          "The best of {} scores is partly luck: it flatters, the more so the more settings were tried. Judge the "
          "setting that you take on examples that were not searched on.",
          points.size()),
      "The standard error comes from the spread over the folds. Settings within it of the best are not shown to be "
      "worse; the "
      "simplest of them often does better on new music."};
  return render_page(kTuningHtml, view);
}

}  // namespace genrewise
