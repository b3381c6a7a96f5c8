// genrewise tune: the search for a learner's parameters.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/base/faults.hpp"
#include "genrewise/jobs/tune_job.hpp"
#include "genrewise/report/charts.hpp"
#include "genrewise/study/tuning.hpp"

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

struct TuneOptions {
  TuneJobConfig job;
  DataOptions data;
  SplitOptions split;
  std::string on = "training+validation", fold_scheme = "grouped";
};

/// The best points, the simplest that is good enough, and why others could not be fitted.
Table points_table(const TuneJobResult& done) {
  using enum Table::Align;
  Table table({{"parameters"},
               {"accuracy", right},
               {"error", right},
               {"log loss", right},
               {"fit", right},
               {"predict", right},
               {""}});
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
    const std::string mark = i == done.result.best ? "best" : simple ? "simplest within one standard error" : "";
    table.add_row({to_string(varied(point.parameters, done.search.axes)), percent(point.accuracy),
                   fmt::format("± {:.1f}", 100 * point.standard_error), fmt::format("{:.3f}", point.log_loss),
                   duration_text(point.fit_s), duration_text(point.predict_s), mark});
  }
  for (const auto& [reason, count] : counts_by_reason(failures(done.result))) {
    table.add_row({fmt::format("({} not fitted)", count), "", "", "", "", "", reason});
  }
  return table;
}

int run(const TuneOptions& options, Session& session) {
  TuneJobConfig config = options.job;
  config.data = options.data.config;
  config.split = options.split.config_with(session.seed);
  config.fold_scheme = parse_split_scheme(options.fold_scheme);
  config.include_test = options.on == "all";
  config.seed = session.seed;
  const TuneJobResult done = tune_job(config, session.runtime);
  print_result(session, points_table(done), [&] { return done.document; });
  for (const std::string& note : done.notes) session.say(note);
  if (done.train) {
    session.say("to train it, and evaluate it on the test part: " + command_line(*done.train));
  } else {
    session.say("no command trains the best point: a model is trained on a whole feature table");
  }
  session.say(fmt::format("report: {}", done.report.string()));
  session.report_skipped(done.skipped, "tracks");
  return done.skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_tune(CLI::App& app, Session& session) {
  auto options = std::make_shared<TuneOptions>();
  TuneJobConfig& job = options->job;
  CLI::App* command = session.add_command(app, "tune", "Search for hyper-parameters by grouped cross-validation",
                                          kExamples, [options, &session] { return run(*options, session); });
  options->data.add_to(command);
  options->split.add_to(command);
  command
      ->add_option("--model", job.model,
                   "the model: a kind or preset with its parameters, as in svm:kernel=rbf:C=1,10 (`genrewise models` "
                   "lists them); several values are searched; FEATURES/ before it names its feature set")
      ->required();
  command->add_option(
      "--grid", job.grid,
      "NAME=START:STOP:STEP, NAME=log:FROM:TO:COUNT or NAME=VALUE,VALUE; several times for a product. Beside "
      "the model's parameters: pca_components, pca_variance, pca_whiten, standardise, features");
  command
      ->add_option(
          "--preset", job.presets,
          "a grid by name: study (that of the study which genrewise repeats), wide (the parameters that matter "
          "most), pca (numbers of components), scaling, features; several times for a product")
      ->check(CLI::IsMember(preset_names()));
  command->add_option("--param", job.parameters, "NAME=VALUE that is the same for all points");
  command->add_option("--random", job.random_points, "draw so many points of the grid (default: all)");
  command->add_option("--folds", job.folds, "of the cross-validation")->capture_default_str();
  command->add_option("--fold-scheme", options->fold_scheme, "grouped (no artist on two sides) or random")
      ->check(CLI::IsMember({"grouped", "random"}))
      ->capture_default_str();
  command->add_option("--on", options->on, "the examples to search on; the test part stays unseen unless all")
      ->check(CLI::IsMember({"training+validation", "all"}))
      ->capture_default_str();
  command->add_option("-o,--output", job.output, "the run's folder; the same command goes on where it was")->required();
  command->add_flag("--force", job.replace, "start anew in a folder that holds the results of another run");
  session.add_seed_option(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
