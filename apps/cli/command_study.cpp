// genrewise study: several models on one dataset, with a report.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

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

/// `titles`: the models' titles instead of their names.
Table models_table(const StudyResult& result, bool titles) {
  using enum Table::Align;
  Table table({{"model"}, {"features"}, {"acc %", right}, {"95 % interval", right}, {"val %", right}, {"fit", right}});
  const auto add = [&](const ModelResult& model, bool best) {
    const std::string name = (titles ? model.title : model.name) + (best ? " *" : "");
    if (!model.error.empty()) return table.add_row({name, model.features, "failed", "", "", ""});
    const Score& accuracy = model.test.accuracy;
    table.add_row({name, model.features, points_text(accuracy.value),
                   points_text(accuracy.low) + " - " + points_text(accuracy.high), points_text(model.validation.value),
                   model.parameters.empty() ? "" : duration_text(model.fit_s)},
                  best);
  };
  for (std::size_t i = 0; i < result.models.size(); ++i) add(result.models[i], result.best == i);
  add(result.baseline, false);
  return table;
}

/// The parameters that were chosen from several candidates, and why models failed: a line for each.
std::string choices_text(const StudyResult& result) {
  std::string text;
  for (const ModelResult& model : result.models) {
    std::string line = model.error;
    if (line.empty() && model.tried.size() > 1) {
      Parameters chosen;
      for (const auto& [name, ignored] : model.tried.front().parameters) chosen[name] = model.parameters.at(name);
      line = to_string(chosen);
    }
    if (line.empty()) continue;
    text += wrapped(fmt::format("{}: {}", printable(model.name), printable(line)), 2, page_width(Stream::out)) + "\n";
  }
  return text.empty() ? text : "\nchosen parameters and failures\n" + text;
}

int run(StudyJobConfig& config, Session& session) {
  config.seed = config.split.seed = session.seed;
  const StudyJobResult done = study_job(config, session.runtime);
  print_run(session, done.document, [&](const std::vector<Section>& sections) {
    session.print(models_table(done.result, config.models.empty()));
    session.print(choices_text(done.result));
    print_tables(session, std::span(sections).subspan(1));  // without that of the models
  });
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
