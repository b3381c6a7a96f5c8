#include "genrewise/report/write_run.hpp"

#include <fmt/format.h>

#include "genrewise/base/hash.hpp"
#include "genrewise/report/formats.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/analyses.hpp"
#include "genrewise/study/run_document.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kWriteBytes = std::size_t{1} << 20U;

void write_predictions(const fs::path& path, const TestPart& test, const StudyResult& result) {
  const std::vector<const ModelResult*> models = fitted_models(result.models);
  const std::vector<std::string>& labels = test.examples().labels;
  std::vector<std::string> row = {"track_id", "file", "artist", "genre"};
  for (const ModelResult* model : models) row.push_back(model->name);
  for (const ModelResult* model : models) {
    for (const std::string& label : labels) row.push_back(model->name + ":" + label);
  }
  const auto file = create_file(path);
  std::string csv = csv_text({row});
  for (std::size_t i = 0; i < test.rows().size(); ++i) {
    row = {test.id(i), test.file(i), test.artist(i), test.genre(i)};
    for (const ModelResult* model : models) row.push_back(labels[static_cast<std::size_t>(model->test_labels[i])]);
    for (const ModelResult* model : models) {
      for (const float probability : model->test_probabilities.row(i)) row.push_back(fmt::format("{}", probability));
    }
    csv += csv_text({row});
    if (csv.size() < kWriteBytes) continue;
    file->write(csv);
    csv.clear();
  }
  file->write(csv);
  file->commit();
}

std::string figure(const json& number) {
  return fmt::format("{:.6g}", number.get<double>());
}

}  // namespace

std::string tuning_csv(const json& results) {
  std::vector<std::vector<std::string>> rows(1);
  const std::vector<std::string> figures = {"accuracy", "standard_error", "log_loss", "fit_s", "predict_s"};
  for (const json& axis : results.at("axes")) rows.front().push_back(axis.at("parameter"));
  rows.front().insert(rows.front().end(), figures.begin(), figures.end());
  rows.front().emplace_back("error");
  for (const json& point : results.at("points")) {
    rows.emplace_back();
    for (const json& axis : results.at("axes"))
      rows.back().push_back(point.at("varied").at(axis.at("parameter").get_ref<const std::string&>()));
    for (const std::string& name : figures) rows.back().push_back(figure(point.at(name)));
    rows.back().push_back(point.value("error", ""));
  }
  return csv_text(rows);
}

void write_study(const RunFolder& run, const Examples& examples, const Split& split, const StudyResult& result,
                 const json& results) {
  if (result.best) {
    const std::string best = read_file(run.model_path(result.models[*result.best].name));
    write_file(run.path() / "best.gwm", best);
    write_file(run.path() / "best.md", model_card(results, sha256_hex(best)));
  }
  const json& dataset = results.at("dataset");
  write_predictions(run.path() / "predictions.csv",
                    TestPart(examples, split, dataset.at("kind"), dataset.at("location").get<std::string>()), result);
  write_file(run.path() / "report.html", render_report(results));
  write_file(run.path() / "results.json", document_text(results));
}

void write_tuning(const fs::path& folder, const json& results) {
  write_file(folder / "tuning.csv", tuning_csv(results));
  write_file(folder / "report.html", render_tuning_report(results));
  write_file(folder / "tuning.json", document_text(results));
}

}  // namespace genrewise
