// genrewise tune: a search for hyper-parameters.
#include <fmt/format.h>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/jobs/tune_job.hpp"
#include "genrewise/study/notes.hpp"
#include "genrewise/study/tuning.hpp"
#include "option_group.hpp"
#include "sections.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise tune features_30_sec.csv --model knn --grid k=1:96:5 -o runs/tune_knn\n"
    "genrewise tune fma --model svm --grid C=log:-2:2:9 --grid gamma=scale,0.001,0.01 --random 12 -o runs/tune_svm\n"
    "genrewise tune fma --model logreg --grid C=0.01,0.1 --grid features=mfcc,mfcc+spectral_contrast,all "
    "--grid pca_components=0,50,100 -o runs/tune_logreg\n"
    "genrewise tune fma --model gnb --preset study -o runs/tune_gnb\n"
    "genrewise tune fma --model svm --preset pca -o runs/components";

int run(TuneJobConfig& config, Session& session) {
  config.seed = config.split.seed = session.seed;
  const TuneJobResult done = tune_job(config, session.runtime);
  print_run(session, done.document, [&](const std::vector<Section>& sections) { print_tables(session, sections); });
  session.notes(done.notes, caveats(TuningResult{}));
  if (done.train) {
    session.line("to train the best point and evaluate it on the test part:\n  " + command_line(*done.train));
  } else {
    session.note("No command trains the best point: `genrewise train` uses whole feature tables only.");
  }
  session.line(fmt::format("report: {}", done.report.string()));
  return session.report_skipped(done.skipped, "tracks");
}

}  // namespace

void add_tune(CLI::App& app, Session& session) {
  const CommandText text{
      .summary = "Search for hyper-parameters by cross-validation",
      .details =
          "The run folder receives report.html and tuning.json. Started again, the same command continues an "
          "interrupted search.",
      .examples = kExamples};
  const auto [command, job] = session.add_command(app, "tune", text, run);
  add_data_options(command, job.data);
  add_split_options(command, job.split);
  const OptionGroup model(command, kModel), search(command, kSearch), output(command, kOutput);
  one_of(OptionGroup(command, kSplit)
             .add_function<std::string>(
                 "--on", [&job = job](const std::string& parts) { job.include_test = parts == "all"; }, "PARTS",
                 "Parts to search on; the test part stays unseen unless all"),
         {"training+validation", "all"})
      ->default_str("training+validation");
  model
      .add("--model", job.model, "MODEL",
           "Kind or preset of `genrewise models`, also with parameters as in svm:C=1,10, of which several values are "
           "searched, and with its feature set as in audiotag/svm")
      ->required();
  model.add("--param", job.parameters, "NAME=VALUE", "A parameter that is the same for all points");
  search.add("--grid", job.grid, "NAME=VALUES",
             "Values of a parameter to search: A,B,C or START:STOP:STEP or log:FROM:TO:COUNT; several for a product. "
             "Besides the model's parameters: pca_components, pca_variance, pca_whiten, standardise, features");
  one_of(
      search.add("--preset", job.presets, "NAME",
                 "A named grid: study (as in the repeated study), wide (the parameters that matter most), pca (numbers "
                 "of components), scaling, features; several for a product"),
      preset_names())
      ->option_text("");
  at_least(search.add("--random", job.random_points, "N", "Points to draw from the grid"), 0)->default_str("all");
  in_range(search.add("--folds", job.folds, "K", "Folds of the cross-validation"), 2, 100)->capture_default_str();
  add_choice(search, "--fold-scheme", job.fold_scheme, "SCHEME", "grouped: no artist in two folds",
             SplitScheme::grouped, SplitScheme::random);
  output.add("-o,--output", job.output, "RUN", "Run folder")->required();
  output.flag("--force", job.replace, "Replace the results of another run in the folder");
  session.add_format_options(command);
  session.add_seed_option(command);
}

}  // namespace genrewise::cli
