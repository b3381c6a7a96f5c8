#include "genrewise/report/write_run.hpp"

#include <fmt/format.h>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/report/model_card.hpp"
#include "genrewise/report/report.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/run_document.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string predictions_csv(const Examples& examples, const Split& split, const StudyResult& result) {
  std::string csv = "track_id,genre";
  for (const ModelResult& model : result.models) {
    if (!model.error.empty()) continue;
    csv += ',';
    append_csv_field(csv, model.name);
  }
  csv += '\n';
  const auto rows = split.rows(Part::test);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    append_csv_field(csv, examples.subjects.ids[rows[i]]);
    csv += ',';
    append_csv_field(csv, examples.labels[static_cast<std::size_t>(examples.subjects.labels[rows[i]])]);
    for (const ModelResult& model : result.models) {
      if (!model.error.empty()) continue;
      csv += ',';
      append_csv_field(csv, examples.labels[static_cast<std::size_t>(model.test_labels[i])]);
    }
    csv += '\n';
  }
  return csv;
}

std::string ablation_csv(const json& ablation) {
  std::string csv = "features,fma_name,columns,model,accuracy,low,high,macro_f1,fit_s,predict_s\n";
  for (const json& row : ablation) {
    for (const json& model : row.at("models")) {
      append_csv_field(csv, row.at("features").get<std::string>());
      csv += ',';
      append_csv_field(csv, row.at("fma_name").is_null() ? "" : row.at("fma_name").get<std::string>());
      csv += fmt::format(",{},", row.at("columns").get<std::size_t>());
      append_csv_field(csv, model.at("name").get<std::string>());
      if (model.contains("error")) {
        csv += ",,,,,,\n";
        continue;
      }
      const json& accuracy = model.at("accuracy");
      for (const json& number : {accuracy.at("value"), accuracy.at("low"), accuracy.at("high"), model.at("macro_f1"),
                                 model.at("fit_s"), model.at("predict_s")}) {
        csv += fmt::format(",{:.6g}", number.get<double>());
      }
      csv += '\n';
    }
  }
  return csv;
}

}  // namespace

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

void write_study(const RunFolder& run, const Examples& examples, const Split& split, const StudyResult& result,
                 const json& results) {
  if (result.best) {
    const std::string best = read_file(run.model_path(result.models[*result.best].name));
    write_file(run.path() / "best.gwm", best);
    write_file(run.path() / "best.md", model_card(results, sha256_hex(best)));
  }
  write_file(run.path() / "predictions.csv", predictions_csv(examples, split, result));
  if (results.contains("ablation")) write_file(run.path() / "ablation.csv", ablation_csv(results.at("ablation")));
  write_file(run.path() / "report.html", render_report(results));
  write_file(run.path() / "results.json", document_text(results));
}

void write_tuning(const fs::path& folder, const json& results) {
  write_file(folder / "tuning.csv", tuning_csv(results));
  write_file(folder / "report.html", render_tuning_report(results));
  write_file(folder / "tuning.json", document_text(results));
}

}  // namespace genrewise
