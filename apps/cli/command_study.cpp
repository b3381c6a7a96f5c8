// genrewise study: several models on one dataset, with a report.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/jobs/study_job.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/report/formats.hpp"
#include "genrewise/study/notes.hpp"
#include "genrewise/study/study_presets.hpp"
#include "option_group.hpp"
#include "sections.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise study ~/music/by_genre -o runs/mine\n"
    "genrewise study ~/music/by_genre -o runs/mine --budget 120 --seeds 5\n"
    "genrewise study fma -o runs/study --preset original --pack-to packs/fma\n"
    "genrewise study fma -o runs/fma --subset small --scheme official\n"
    "genrewise study fma -o runs/fma518 --table fma/fma_metadata/features.csv\n"
    "genrewise study features_30_sec.csv -o runs/gtzan --models gnb knn svm-rbf svm:C=3:kernel=poly\n"
    "genrewise study fma -o runs/whole --models svm-rbf frames/knn frames/svm-linear\n"
    "genrewise study fma -o runs/baselines --models fma-baselines --ablation";

/// The parameters that were chosen from several candidates, or why the model failed.
std::string choice_text(const ModelResult& model) {
  if (!model.error.empty()) return model.error;
  Parameters chosen;
  if (model.tried.size() < 2) return {};
  for (const auto& [name, ignored] : model.tried.front().parameters) chosen[name] = model.parameters.at(name);
  return to_string(chosen);
}

/// A column of the table of models; `figure`: of models that were fitted.
struct Shown {
  Table::Column column;
  std::function<std::string(const ModelResult&)> cell;
  bool figure = true;
};

/// `systems`: the models as the study names them, with their features. For people the parameters follow in a list of
/// their own, so that the table fits a terminal.
Table models_table(const StudyResult& result, bool systems, bool with_parameters) {
  using enum Table::Align;
  using Model = ModelResult;
  const auto number = [](const char* name, const char* title) {
    return Table::Column{name, right, Table::Overflow::keep, title};
  };
  const auto time = [](const Model& model, double seconds) {
    return model.parameters.empty() ? std::string() : duration_text(seconds);
  };
  std::vector<Shown> shown = {
      {{systems ? "system" : "model"}, [=](const Model& model) { return systems ? model.title : model.name; }, false}};
  if (systems) shown.push_back({{"features"}, &Model::features, false});
  shown.push_back(
      {number("accuracy", "acc %"), [](const Model& model) { return points_text(model.test.accuracy.value); }});
  shown.push_back({{"95 % interval", right}, [](const Model& model) {
                     return points_text(model.test.accuracy.low) + " - " + points_text(model.test.accuracy.high);
                   }});
  if (!systems) {
    shown.push_back({number("macro-F1", "F1 %"), [](const Model& model) { return points_text(model.test.macro_f1); }});
    shown.push_back(
        {{"log loss", right}, [](const Model& model) { return fmt::format("{:.3f}", model.test.log_loss); }});
  }
  shown.push_back(
      {number("validation", "val %"), [](const Model& model) { return points_text(model.validation.value); }});
  shown.push_back({{"fit", right}, [&](const Model& model) { return time(model, model.fit_s); }});
  if (!systems) shown.push_back({{"predict", right}, [&](const Model& model) { return time(model, model.predict_s); }});
  if (with_parameters) shown.push_back({{"parameters"}, choice_text, false});

  std::vector<Table::Column> columns;
  for (const Shown& one : shown) columns.push_back(one.column);
  Table table(columns);
  const auto add = [&](const Model& model, bool best, Table::Emphasis emphasis) {
    std::vector<std::string> cells;
    for (const Shown& one : shown) {
      const bool missing = one.figure && !model.error.empty();
      cells.push_back(!missing ? one.cell(model) : one.column.name == "accuracy" ? "failed" : "");
    }
    if (best) cells.front() += " *";
    table.add_row(std::move(cells), emphasis);
  };
  using enum Table::Emphasis;
  for (std::size_t i = 0; i < result.models.size(); ++i)
    add(result.models[i], result.best == i, result.best == i ? strong : none);
  add(result.baseline, false, faint);
  return table;
}

/// Chosen parameters and failures, a line for each model that has some.
std::string choices_text(const StudyResult& result) {
  std::string text;
  bool any_failed = false;
  for (const ModelResult& model : result.models) {
    any_failed |= !model.error.empty();
    const std::string line = choice_text(model);
    if (line.empty()) continue;
    text += wrapped(fmt::format("{}: {}", printable(model.name), printable(line)), 2, page_width(Stream::out)) + "\n";
  }
  const char* title = any_failed ? "\nchosen parameters and failures\n" : "\nchosen parameters\n";
  return text.empty() ? text : title + text;
}

int run(StudyJobConfig& config, Session& session) {
  config.seed = config.split.seed = session.seed;
  const StudyJobResult done = study_job(config, session.runtime);
  const bool people = session.format == Format::table;
  print_result(session, models_table(done.result, config.models.empty() && people, session.format == Format::csv),
               [&] { return done.document; });
  if (people) {
    session.print(choices_text(done.result));
    const std::vector<Section> sections = sections_of(done.document);
    print_tables(session, std::span(sections).subspan(1));  // without that of the models
  }
  session.notes(done.notes, caveats(Examples{}, Split{}, StudyResult{}));
  session.line(fmt::format("report: {}", done.report.string()));
  session.report_skipped(done.skipped, "tracks");
  const auto failed = [](const ModelResult& model) { return !model.error.empty(); };
  if (std::ranges::any_of(done.result.models, failed)) return kFailed;
  return done.skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_study(CLI::App& app, Session& session) {
  const CommandText text{
      .summary = "Compare models on a dataset and write a report",
      .details =
          "Extracts the features, chooses parameters on the validation part and reports test scores with "
          "intervals. Without --models, it compares the models of a preset, after a note on the time that they are "
          "expected to take and on what is left out. The run folder receives report.html, results.json and all models; "
          "best.gwm is the best "
          "one. Started again, the same command continues an interrupted run.",
      .examples = kExamples};
  const auto [command, job] = session.add_command(app, "study", text, run);
  add_data_options(command, job.data, Tables::several);
  add_split_options(command, job.split);
  std::vector<std::string> names, summaries;
  for (const StudyPreset& preset : study_presets()) {
    names.push_back(preset.name);
    summaries.push_back(preset.name + ": " + preset.summary);
  }
  const OptionGroup models(command, kModel), output(command, kOutput);
  CLI::Option* named = models.add(
      "--models", job.models, "LIST",
      "Models to compare instead of a preset: kinds or presets of `genrewise models`, also with parameters as in "
      "svm:C=1,10, where the validation part chooses between several values; FEATURES/MODEL uses another feature set "
      "than the study's; fma-baselines: those of the FMA dataset's paper");
  one_of(models.add("--preset", job.preset, "NAME", fmt::format("Models to compare. {}", fmt::join(summaries, "; "))),
         names)
      ->capture_default_str()
      ->excludes(named);
  models
      .add(
          "--budget", job.budget_min, "MINUTES",
          "Time that a preset may take. What is expected to exceed it is left out, the most expensive first; plan.json "
          "in the run folder keeps the measurements behind the choice")
      ->check(CLI::PositiveNumber)
      ->default_str("30 for the preset default, none for others")
      ->excludes(named);
  in_range(models.add("--seeds", job.seeds, "N",
                      "Repeat the study with the seeds SEED to SEED+N-1, for the split (where the dataset states none) "
                      "and all training, and report mean and standard deviation; features are extracted once"),
           1, 1000)
      ->capture_default_str();
  add_pca_option(command, job.pca_components);
  models.flag("--ablation", job.ablation,
              "Repeat with each feature alone and with the combinations of FMA's published baselines");
  in_range(models.add("--nested", job.nested_folds, "K",
                      "Repeat the whole study, choice of parameters included, on K folds grouped by artist (nested "
                      "cross-validation, for few data)"),
           2, 100);
  output.add("-o,--output", job.output, "RUN", "Run folder")->required();
  output
      .add(
          "--pack-to", job.pack_to, "LOCATION",
          "Write the features of networks as records to LOCATION/FEATURES, also in an object store. A finished pack of "
          "the same examples is left unchanged")
      ->default_str("RUN/records for the preset original, else none");
  output.flag("--force", job.replace, "Replace the results of another run in the folder");
  session.add_format_options(command);
  session.add_seed_option(command);
}

}  // namespace genrewise::cli
