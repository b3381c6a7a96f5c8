// genrewise study: several models on one dataset, with a report.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/jobs/study_job.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/report/charts.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise study ~/music/by_genre -o runs/mine\n"
    "genrewise study fma -o runs/fma --subset small --scheme official\n"
    "genrewise study fma -o runs/fma518 --table fma/fma_metadata/features.csv\n"
    "genrewise study features_30_sec.csv -o runs/gtzan --models gnb knn svm-rbf svm:C=3:kernel=poly\n"
    "genrewise study fma -o runs/whole --models svm-rbf frames/knn frames/svm-linear\n"
    "genrewise study fma -o runs/baselines --models fma-baselines --ablation";

struct StudyOptions {
  StudyJobConfig job;
  DataOptions data;
  SplitOptions split;
};

Table comparison_table(const StudyResult& result) {
  using enum Table::Align;
  Table table({{"model"},
               {"accuracy", right},
               {"95 % interval", right},
               {"macro-F1", right},
               {"log loss", right},
               {"validation", right},
               {"fit", right},
               {"predict", right},
               {"parameters"}});
  const auto points = [](double share) { return fmt::format("{:.1f}", 100 * share); };
  const auto add = [&](const ModelResult& model, const std::string& mark) {
    if (!model.error.empty()) {
      table.add_row({model.name, "failed", "", "", "", "", "", "", model.error});
      return;
    }
    Parameters chosen;
    if (model.tried.size() > 1) {
      for (const auto& [name, ignored] : model.tried.front().parameters) chosen[name] = model.parameters.at(name);
    }
    const Score& accuracy = model.test.accuracy;
    table.add_row({model.name + mark, points(accuracy.value), points(accuracy.low) + " - " + points(accuracy.high),
                   points(model.test.macro_f1), fmt::format("{:.3f}", model.test.log_loss),
                   points(model.validation.value), model.parameters.empty() ? "" : duration_text(model.fit_s),
                   model.parameters.empty() ? "" : duration_text(model.predict_s), to_string(chosen)});
  };
  for (std::size_t i = 0; i < result.models.size(); ++i) add(result.models[i], result.best == i ? " *" : "");
  add(result.baseline, "");
  return table;
}

/// `cell`: what the table shows of a model that could be fitted.
Table ablation_table(const std::vector<AblationRow>& ablation,
                     const std::function<std::string(const ModelResult& model)>& cell) {
  using enum Table::Align;
  std::vector<Table::Column> columns = {{"features"}, {"dim", right}};
  for (const ModelResult& model : ablation.front().models) columns.push_back({model.name, right});
  Table table(columns);
  for (const AblationRow& row : ablation) {
    std::vector<std::string> cells = {row.features, std::to_string(row.columns)};
    for (const ModelResult& model : row.models) cells.push_back(model.error.empty() ? cell(model) : "failed");
    table.add_row(std::move(cells));
  }
  return table;
}

void print_ablation(const std::vector<AblationRow>& ablation, Session& session) {
  const Table accuracy = ablation_table(
      ablation, [](const ModelResult& model) { return fmt::format("{:.1f}", 100 * model.test.accuracy.value); });
  const Table seconds = ablation_table(
      ablation, [](const ModelResult& model) { return fmt::format("{:.3f}", model.fit_s + model.predict_s); });
  session.print("\ntest accuracy in percent, by features\n" + accuracy.text());
  session.print("\nseconds to fit once and to predict the test part\n" + seconds.text());
}

int run(const StudyOptions& options, Session& session) {
  StudyJobConfig config = options.job;
  config.data = options.data.config;
  config.split = options.split.config_with(session.seed);
  config.seed = session.seed;
  const StudyJobResult done = study_job(config, session.runtime);
  print_result(session, comparison_table(done.result), [&] { return done.document; });
  if (config.ablation && session.format == Format::table) print_ablation(done.ablation, session);
  for (const std::string& note : done.notes) session.say(note);
  session.say(fmt::format("report: {}", done.report.string()));
  session.report_skipped(done.skipped, "tracks");
  const auto failed = [](const ModelResult& model) { return !model.error.empty(); };
  if (std::ranges::any_of(done.result.models, failed)) return kFailed;
  return done.skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_study(CLI::App& app, Session& session) {
  auto options = std::make_shared<StudyOptions>();
  StudyJobConfig& job = options->job;
  CLI::App* command =
      session.add_command(app, "study",
                          "Compare models on a dataset under one honest split: features, parameters chosen "
                          "on the validation part, test scores with intervals, report.html, best model",
                          kExamples, [options, &session] { return run(*options, session); });
  options->data.add_to(command, DataOptions::Tables::several);
  options->split.add_to(command);
  command->add_option("-o,--output", job.output, "the run's folder; the same command goes on where it was")->required();
  std::vector<std::string> names;
  for (const ModelSpec& spec : default_models()) names.push_back(spec.name);
  command->add_option(
      "--models", job.models,
      fmt::format("which models (default: {}), fma-baselines, or KIND:PARAMETER=VALUE as in svm:C=1,10 (`genrewise "
                  "models` lists them); several values are chosen from on the validation part; FEATURES/MODEL is "
                  "fitted on another feature set than the study's, on the same tracks and split",
                  fmt::join(names, ",")));
  command->add_option("--pca", job.pca_components, "keep this many principal components (default: no PCA)");
  command->add_flag("--force", job.replace, "start anew in a folder that holds the results of another run");
  command->add_flag("--ablation", job.ablation,
                    "the same for each feature alone and for the combinations of FMA's published baselines");
  session.add_seed_option(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
