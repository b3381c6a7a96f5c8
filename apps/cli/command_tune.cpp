// genrewise tune: a search for hyper-parameters.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/jobs/tune_job.hpp"
#include "genrewise/report/formats.hpp"
#include "genrewise/study/notes.hpp"
#include "genrewise/study/tuning.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

constexpr std::size_t kRowsShown = 10;
constexpr char kExamples[] =
    "genrewise tune features_30_sec.csv --model knn --grid k=1:96:5 -o runs/tune_knn\n"
    "genrewise tune fma --model svm --grid C=log:-2:2:9 --grid gamma=scale,0.001,0.01 --random 12 -o runs/tune_svm\n"
    "genrewise tune fma --model logreg --grid C=0.01,0.1 --grid features=mfcc,mfcc+spectral_contrast,all "
    "--grid pca_components=0,50,100 -o runs/tune_logreg\n"
    "genrewise tune fma --model gnb --preset study -o runs/tune_gnb\n"
    "genrewise tune fma --model svm --preset pca -o runs/components";

/// The best points, the simplest that is good enough, and why others could not be fitted.
Table points_table(const TuneJobResult& done) {
  using enum Table::Align;
  Table table({{"parameters", left, Table::Overflow::wrap},
               {"accuracy", right},
               {"standard error", right},
               {"log loss", right},
               {"fit", right},
               {"predict", right},
               {"", left, Table::Overflow::wrap}});
  const std::vector<TuningPoint>& points = done.result.points;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].error.empty()) order.push_back(i);
  }
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t i) { return points[i].accuracy; });
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const std::size_t i = order[rank];
    const bool simple = i == done.result.one_standard_error;
    if (rank >= kRowsShown && !simple) continue;
    const TuningPoint& point = points[i];
    const bool best = i == done.result.best;
    const std::string mark = best ? "best" : simple ? "simplest within one standard error" : "";
    table.add_row({to_string(varied(point.parameters, done.search.axes)), percent(point.accuracy),
                   fmt::format("{:.1f}", 100 * point.standard_error), fmt::format("{:.3f}", point.log_loss),
                   duration_text(point.fit_s), duration_text(point.predict_s), mark},
                  best ? Table::Emphasis::strong : Table::Emphasis::none);
  }
  for (const auto& [reason, count] : counts_by_reason(failures(done.result))) {
    table.add_row({fmt::format("({} not fitted)", count), "", "", "", "", "", reason});
  }
  return table;
}

int run(TuneJobConfig& config, Session& session) {
  config.seed = config.split.seed = session.seed;
  const TuneJobResult done = tune_job(config, session.runtime);
  print_result(session, points_table(done), [&] { return done.document; });
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
