#include "genrewise/study/tuning_run.hpp"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <memory>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/storage/local_file.hpp"
#include "genrewise/study/learners.hpp"
#include "genrewise/study/report.hpp"
#include "genrewise/study/run_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The points of the same data in the journal; rewritten without what was cut or is of other data, so that appending is
/// sound.
std::map<Parameters, TuningPoint> reopen(const fs::path& path, const std::string& data) {
  std::map<Parameters, TuningPoint> points;
  if (!fs::exists(path)) return points;
  std::string kept;
  for (const std::string& line : split_text(read_file(path), '\n')) {
    const json entry = json::parse(line, nullptr, false);
    if (!entry.is_object() || entry.value("data", json()) != json(data)) continue;
    try {
      TuningPoint point = tuning_point_from_json(entry.at("point"));
      kept += line + '\n';
      points.insert_or_assign(point.parameters, std::move(point));
    } catch (const json::exception&) {
      continue;  // of a version that kept it differently
    }
  }
  write_file(path, kept);
  return points;
}

Parameters varied(const Parameters& all, const std::vector<GridAxis>& axes) {
  Parameters chosen;
  for (const GridAxis& axis : axes) chosen[axis.parameter] = all.at(axis.parameter);
  return chosen;
}

}  // namespace

TuningFolder::TuningFolder(fs::path folder, const json& config, bool anew) : folder_(std::move(folder)) {
  claim_run_folder(folder_, config, anew, [&] {
    std::error_code ignored;
    for (const char* stale : {"tuning.json", "tuning.csv", "report.html", "points.jsonl"}) {
      fs::remove(folder_ / stale, ignored);
    }
  });
}

TuningStore TuningFolder::store(const Examples& examples) const {
  const fs::path path = folder_ / "points.jsonl";
  const std::string data = fingerprint(examples, {});
  const auto points = std::make_shared<const std::map<Parameters, TuningPoint>>(reopen(path, data));
  TuningStore store;
  store.find = [points](const Parameters& parameters) -> std::optional<TuningPoint> {
    const auto found = points->find(parameters);
    return found == points->end() ? std::nullopt : std::optional(found->second);
  };
  store.keep = [path, data](const TuningPoint& point) {
    std::ofstream out(path, std::ios::app);
    out << json{{"data", data}, {"point", to_json(point)}}.dump() << '\n' << std::flush;
    if (!out) throw_system_error("cannot keep a finished point", path.string());
  };
  return store;
}

void TuningFolder::write(const json& results) const {
  write_file(folder_ / "tuning.csv", tuning_csv(results));
  write_file(folder_ / "report.html", render_tuning_report(results));
  write_file(folder_ / "tuning.json", results.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

json tuning_json(const Examples& examples, const TuningConfig& config, const TuningResult& result,
                 const StudyContext& context, const std::string& used) {
  json points = json::array(), axes = json::array();
  for (const TuningPoint& point : result.points) {
    points.push_back(to_json(point));
    points.back()["varied"] = varied(point.parameters, config.axes);
  }
  for (const GridAxis& axis : config.axes) axes.push_back({{"parameter", axis.parameter}, {"values", axis.values}});
  const FeatureRecipe& recipe = examples.table.recipe;
  return {{"format", "genrewise tuning"},
          {"format_version", 1},
          {"program_version", GENREWISE_VERSION},
          {"name", context.name},
          {"command", context.command},
          {"created", context.created},
          {"seed", config.seed},
          {"dataset",
           {{"name", context.dataset_name},
            {"kind", context.dataset_kind},
            {"place", context.dataset_place},
            {"examples", examples.subjects.ids.size()},
            {"used", used},
            {"skipped", count_by_reason(context.skipped)}}},
          {"features",
           {{"name", recipe.name},
            {"version", recipe.version},
            {"hash", recipe.hash},
            {"columns", examples.table.columns.size()},
            {"extract_s", context.extract_s}}},
          {"kind", config.kind},
          {"fixed", config.fixed},
          {"axes", std::move(axes)},
          {"folds", config.folds},
          {"scheme", to_string(config.scheme)},
          {"points", std::move(points)},
          {"best", result.best},
          {"one_standard_error", result.one_standard_error}};
}

std::string tuning_csv(const json& results) {
  std::string csv;
  for (const json& axis : results.at("axes")) {
    append_csv_field(csv, axis.at("parameter").get<std::string>());
    csv += ',';
  }
  csv += "accuracy,standard_error,log_loss,fit_s,predict_s,error\n";
  for (const json& point : results.at("points")) {
    for (const json& axis : results.at("axes")) {
      append_csv_field(csv, point.at("varied").at(axis.at("parameter").get<std::string>()).get<std::string>());
      csv += ',';
    }
    for (const char* name : {"accuracy", "standard_error", "log_loss", "fit_s", "predict_s"}) {
      csv += fmt::format("{:.6g},", point.at(name).get<double>());
    }
    append_csv_field(csv, point.value("error", ""));
    csv += '\n';
  }
  return csv;
}

}  // namespace genrewise
