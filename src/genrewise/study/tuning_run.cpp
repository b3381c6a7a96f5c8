#include "genrewise/study/tuning_run.hpp"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <memory>
#include <utility>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/report/report.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/learners.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

using FoldScores = std::map<std::pair<Parameters, int>, FoldScore>;

/// The scores of the same data in the journal; rewritten without what was cut or is of other data, so that appending is
/// sound.
FoldScores reopen(const fs::path& path, const std::string& data) {
  FoldScores scores;
  if (!fs::exists(path)) return scores;
  std::string kept;
  for (const std::string& line : split_text(read_file(path), '\n')) {
    const json entry = json::parse(line, nullptr, false);
    if (!entry.is_object() || entry.value("data", json()) != json(data)) continue;
    try {
      scores.insert_or_assign({entry.at("parameters").get<Parameters>(), entry.at("fold").get<int>()},
                              fold_score_from_json(entry.at("score")));
      kept += line + '\n';
    } catch (const json::exception&) {
      continue;  // of a version that kept it differently
    }
  }
  write_file(path, kept);
  return scores;
}

Parameters varied(const Parameters& all, const std::vector<GridAxis>& axes) {
  Parameters chosen;
  for (const GridAxis& axis : axes) chosen[axis.parameter] = all.at(axis.parameter);
  return chosen;
}

}  // namespace

TuningFolder::TuningFolder(fs::path folder, const json& config, bool anew) : folder_(std::move(folder)) {
  lock_ = claim_run_folder(folder_, config, anew, [&] {
    std::error_code ignored;
    for (const char* stale : {"tuning.json", "tuning.csv", "report.html", "folds.jsonl"}) {
      fs::remove(folder_ / stale, ignored);
    }
  });
}

TuningStore TuningFolder::store(const Examples& examples) const {
  const fs::path path = folder_ / "folds.jsonl";
  const std::string data = fingerprint(examples, {});
  const auto scores = std::make_shared<const FoldScores>(reopen(path, data));
  TuningStore store;
  store.find = [scores](const Parameters& parameters, int fold) -> std::optional<FoldScore> {
    const auto found = scores->find({parameters, fold});
    return found == scores->end() ? std::nullopt : std::optional(found->second);
  };
  store.keep = [path, data](const Parameters& parameters, int fold, const FoldScore& score) {
    std::ofstream out(path, std::ios::app);
    out << json{{"data", data}, {"parameters", parameters}, {"fold", fold}, {"score", to_json(score)}}.dump() << '\n'
        << std::flush;
    if (!out) throw_system_error("cannot keep a finished fold", path.string());
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
  json document = document_head("genrewise tuning", examples, config.seed, context);
  document["dataset"]["used"] = used;
  document["kind"] = config.kind;
  document["fixed"] = config.fixed;
  document["axes"] = std::move(axes);
  document["folds"] = config.folds;
  document["scheme"] = to_string(config.scheme);
  document["points"] = std::move(points);
  document["best"] = result.best;
  document["one_standard_error"] = result.one_standard_error;
  document["explained_variance"] = nullptr;
  if (result.variance) {
    document["explained_variance"] = {{"features", result.variance->features}, {"shares", result.variance->shares}};
  }
  return document;
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
