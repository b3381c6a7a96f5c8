#include "genrewise/report/write_run.hpp"

#include <fmt/format.h>

#include <iterator>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/report/model_card.hpp"
#include "genrewise/report/report.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/analyses.hpp"
#include "genrewise/study/run_document.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kWriteBytes = std::size_t{1} << 20U;

void append_header(std::string& csv, const std::vector<std::string>& labels,
                   const std::vector<const ModelResult*>& models) {
  csv += "track_id,file,artist,genre";
  for (const ModelResult* model : models) {
    csv += ',';
    append_csv_field(csv, model->name);
  }
  for (const ModelResult* model : models) {
    for (const std::string& label : labels) {
      csv += ',';
      append_csv_field(csv, model->name + ":" + label);
    }
  }
  csv += '\n';
}

void append_predictions(std::string& csv, const TestPart& test, std::size_t i,
                        const std::vector<const ModelResult*>& models) {
  append_csv_field(csv, test.id(i));
  for (const std::string& text : {test.file(i), test.artist(i), test.genre(i)}) {
    csv += ',';
    append_csv_field(csv, text);
  }
  for (const ModelResult* model : models) {
    csv += ',';
    append_csv_field(csv, test.examples().labels[static_cast<std::size_t>(model->test_labels[i])]);
  }
  for (const ModelResult* model : models) {
    for (const float probability : model->test_probabilities.row(i)) {
      fmt::format_to(std::back_inserter(csv), ",{}", probability);
    }
  }
  csv += '\n';
}

void write_predictions(const fs::path& path, const TestPart& test, const StudyResult& result) {
  const std::vector<const ModelResult*> models = fitted_models(result.models);
  const auto file = create_file(path);
  std::string csv;
  append_header(csv, test.examples().labels, models);
  for (std::size_t i = 0; i < test.rows().size(); ++i) {
    append_predictions(csv, test, i, models);
    if (csv.size() < kWriteBytes) continue;
    file->write(csv);
    csv.clear();
  }
  file->write(csv);
  file->commit();
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
  write_predictions(run.path() / "predictions.csv",
                    TestPart(examples, split, results.at("dataset").at("kind").get<std::string>()), result);
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
