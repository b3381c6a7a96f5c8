// genrewise evaluate: a saved model on examples whose genres are known.
#include <fmt/format.h>

#include <memory>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/jobs/evaluate_job.hpp"
#include "genrewise/report/charts.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise evaluate runs/mine/best.gwm ~/music/by_genre\n"
    "genrewise evaluate best.gwm other_collection.csv --part all --json\n"
    "genrewise evaluate knn.gwm features_30_sec.csv --part test --seed 42";

struct EvaluateOptions {
  EvaluateJobConfig job;
  DataOptions data;
  SplitOptions split;
};

Table genre_table(const Metrics& metrics, const std::vector<std::string>& labels) {
  using enum Table::Align;
  Table table({{"genre"}, {"examples", right}, {"recall", right}, {"precision", right}, {"F1", right}});
  const auto points = [](double share) { return fmt::format("{:.1f}", 100 * share); };
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const GenreScore& genre = metrics.genres[i];
    table.add_row(
        {labels[i], std::to_string(genre.examples), points(genre.recall), points(genre.precision), points(genre.f1)});
  }
  table.add_row(
      {"(all)", std::to_string(metrics.accuracy.n), points(metrics.accuracy.value), "", points(metrics.macro_f1)});
  return table;
}

int run(const EvaluateOptions& options, Session& session) {
  EvaluateJobConfig config = options.job;
  config.data = options.data.config;
  config.split = options.split.config_with(session.seed);
  config.seed = session.seed;
  const EvaluateJobResult done = evaluate_job(config, session.runtime);
  const Metrics& metrics = done.evaluation.metrics;
  print_result(session, genre_table(metrics, done.labels), [&] { return to_json(done, config); });
  session.say(fmt::format("accuracy {} (95 % interval {} - {}, {} examples), macro-F1 {}, log loss {:.3f}",
                          percent(metrics.accuracy.value), percent(metrics.accuracy.low),
                          percent(metrics.accuracy.high), metrics.accuracy.n, percent(metrics.macro_f1),
                          metrics.log_loss));
  for (const std::string& note : done.notes) session.say(note);
  session.report_skipped(done.skipped, "tracks");
  return done.skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_evaluate(CLI::App& app, Session& session) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command = session.add_command(app, "evaluate", "Evaluate a saved model on examples whose genres are known",
                                          kExamples, [options, &session] { return run(*options, session); });
  command->add_option("MODEL", options->job.model, "a .gwm file")->required();
  options->data.add_to(command);
  options->split.add_to(command);
  command
      ->add_option("--part", options->job.part,
                   "which examples: unseen (those the model was not trained on), test, validation, training, or all")
      ->check(CLI::IsMember({"unseen", "training", "validation", "test", "all"}))
      ->capture_default_str();
  command->add_option("--features-file", options->job.features_file,
                      "keep the extracted features here for the next time (default: a temporary file)");
  session.add_seed_option(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
