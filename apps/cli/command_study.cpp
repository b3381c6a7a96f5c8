// genrewise study: several models on one dataset, with a report.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/jobs/study_job.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/report/text.hpp"
#include "genrewise/study/notes.hpp"
#include "genrewise/study/study_presets.hpp"
#include "option_group.hpp"
#include "terminal.hpp"

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

struct StudyOptions {
  StudyJobConfig job;
  DataOptions data;
  SplitOptions split;
};

std::string points(double share) {
  return fmt::format("{:.1f}", 100 * share);
}

/// The parameters that were chosen from several candidates.
Parameters chosen_parameters(const ModelResult& model) {
  Parameters chosen;
  if (model.tried.size() < 2) return chosen;
  for (const auto& [name, ignored] : model.tried.front().parameters) chosen[name] = model.parameters.at(name);
  return chosen;
}

/// Of a preset: systems as the study names them, and their features.
Table system_table(const StudyJobResult& done) {
  using enum Table::Align;
  Table table({{"system"},
               {"features"},
               {"accuracy", right, Table::Overflow::keep, "acc %"},
               {"95 % interval", right},
               {"validation", right, Table::Overflow::keep, "val %"},
               {"fit", right}});
  const auto add = [&](const ModelResult& model, bool best, Table::Emphasis emphasis) {
    if (!model.error.empty()) return table.add_row({model.title, model.features, "failed", "", "", ""}, emphasis);
    const Score& accuracy = model.test.accuracy;
    table.add_row({model.title + (best ? " *" : ""), model.features, points(accuracy.value),
                   points(accuracy.low) + " - " + points(accuracy.high), points(model.validation.value),
                   model.parameters.empty() ? "" : duration_text(model.fit_s)},
                  emphasis);
  };
  using enum Table::Emphasis;
  for (std::size_t i = 0; i < done.result.models.size(); ++i) {
    const bool best = done.result.best == i;
    add(done.result.models[i], best, best ? strong : none);
  }
  add(done.result.baseline, false, faint);
  return table;
}

Table repeats_table(const std::vector<RepeatedModel>& repeats) {
  using enum Table::Align;
  Table table({{"system"}, {"features"}, {"mean %", right}, {"sd", right}, {"accuracy with each seed"}});
  for (const RepeatedModel& one : repeats) {
    std::string values;
    for (const double value : one.values) values += (values.empty() ? "" : " ") + points(value);
    table.add_row({one.title, one.features, points(one.mean), points(one.sd), values});
  }
  return table;
}

/// For people the parameters follow in a list of their own, so that the table fits a terminal.
Table comparison_table(const StudyResult& result, bool with_parameters) {
  using enum Table::Align;
  std::vector<Table::Column> columns = {{"model"},
                                        {"accuracy", right, Table::Overflow::keep, "acc %"},
                                        {"95 % interval", right},
                                        {"macro-F1", right, Table::Overflow::keep, "F1 %"},
                                        {"log loss", right},
                                        {"validation", right, Table::Overflow::keep, "val %"},
                                        {"fit", right},
                                        {"predict", right}};
  if (with_parameters) columns.push_back({"parameters"});
  Table table(columns);
  const auto add = [&](const ModelResult& model, const std::string& mark, Table::Emphasis emphasis) {
    std::vector<std::string> cells;
    if (!model.error.empty()) {
      cells = {model.name, "failed", "", "", "", "", "", "", model.error};
    } else {
      const Score& accuracy = model.test.accuracy;
      const bool fitted = !model.parameters.empty();
      cells = {model.name + mark,
               points(accuracy.value),
               points(accuracy.low) + " - " + points(accuracy.high),
               points(model.test.macro_f1),
               fmt::format("{:.3f}", model.test.log_loss),
               points(model.validation.value),
               fitted ? duration_text(model.fit_s) : "",
               fitted ? duration_text(model.predict_s) : "",
               to_string(chosen_parameters(model))};
    }
    cells.resize(columns.size());
    table.add_row(std::move(cells), emphasis);
  };
  using enum Table::Emphasis;
  for (std::size_t i = 0; i < result.models.size(); ++i) {
    const bool best = result.best == i;
    add(result.models[i], best ? " *" : "", best ? strong : none);
  }
  add(result.baseline, "", faint);
  return table;
}

/// Chosen parameters and failures, a line for each model that has some.
std::string choices_text(const StudyResult& result) {
  std::string text;
  bool any_failed = false;
  for (const ModelResult& model : result.models) {
    any_failed |= !model.error.empty();
    const std::string line = model.error.empty() ? to_string(chosen_parameters(model)) : model.error;
    if (line.empty()) continue;
    text += wrapped(fmt::format("{}: {}", printable(model.name), printable(line)), 2, page_width(Stream::out)) + "\n";
  }
  const char* title = any_failed ? "\nchosen parameters and failures\n" : "\nchosen parameters\n";
  return text.empty() ? text : title + text;
}

/// `cell`: text for a model that was fitted.
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
  const Table accuracy =
      ablation_table(ablation, [](const ModelResult& model) { return points(model.test.accuracy.value); });
  const Table seconds = ablation_table(
      ablation, [](const ModelResult& model) { return fmt::format("{:.3f}", model.fit_s + model.predict_s); });
  session.print("\ntest accuracy in percent by features\n" + fitted(accuracy));
  session.print("\nseconds to fit once and to predict the test part\n" + fitted(seconds));
}

void print_nested(const nlohmann::json& document, Session& session) {
  if (!document.contains("nested")) return;
  using enum Table::Align;
  Table table({{"model"}, {"acc %", right}, {"95 % interval", right}, {"folds", right}});
  for (const nlohmann::json& model : document.at("nested").at("models")) {
    if (model.contains("error")) {
      table.add_row({model.at("name"), "failed", "", model.at("error")});
      continue;
    }
    const nlohmann::json& accuracy = model.at("accuracy");
    std::string folds;
    for (const nlohmann::json& fold : model.at("folds")) folds += (folds.empty() ? "" : "  ") + points(fold);
    table.add_row({model.at("name"), points(accuracy.at("value")),
                   points(accuracy.at("low")) + " - " + points(accuracy.at("high")), folds});
  }
  session.print("\nnested cross-validation: accuracy over all outer folds\n" + fitted(table));
}

int run(const StudyOptions& options, Session& session) {
  StudyJobConfig config = options.job;
  config.data = options.data.config;
  config.split = options.split.config_with(session.seed);
  config.seed = session.seed;
  const StudyJobResult done = study_job(config, session.runtime);
  const bool systems = config.models.empty() && session.format == Format::table;
  print_result(session, systems ? system_table(done) : comparison_table(done.result, session.format == Format::csv),
               [&] { return done.document; });
  if (session.format == Format::table) session.print(choices_text(done.result));
  if (!done.repeats.empty() && session.format == Format::table) {
    session.print(fmt::format("\ntest accuracy with {} seeds: mean and standard deviation\n", config.seeds) +
                  fitted(repeats_table(done.repeats)));
  }
  if (config.ablation && session.format == Format::table) print_ablation(done.ablation, session);
  if (session.format == Format::table) print_nested(done.document, session);
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
  const auto [command, options] = session.add_command(app, "study", text, run);
  StudyJobConfig& job = options.job;
  options.data.add_to(command, DataOptions::Tables::several);
  options.split.add_to(command);
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
