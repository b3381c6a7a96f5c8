// genrewise evaluate: a saved model on labelled examples.
#include <fmt/format.h>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/jobs/evaluate_job.hpp"
#include "genrewise/report/formats.hpp"
#include "option_group.hpp"
#include "sections.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise evaluate runs/mine/best.gwm ~/music/by_genre\n"
    "genrewise evaluate best.gwm other_collection.csv --part all --json\n"
    "genrewise evaluate knn.gwm features_30_sec.csv --part test --seed 42";

int run(EvaluateJobConfig& config, Session& session) {
  config.seed = config.split.seed = session.seed;
  const EvaluateJobResult done = evaluate_job(config, session.runtime);
  const Metrics& metrics = done.evaluation.metrics;
  const nlohmann::json document = to_json(done, config);
  TextTable table = genre_table(document.at("genres"));
  table.rows.push_back({{"(all)", std::to_string(metrics.accuracy.n), points_text(metrics.accuracy.value), "",
                         points_text(metrics.macro_f1)}});
  print_result(session, as_table(table), [&] { return document; });
  session.line(fmt::format("accuracy {} (95 % interval {} - {}, {} examples), macro-F1 {}, log loss {:.3f}",
                           percent(metrics.accuracy.value), percent(metrics.accuracy.low),
                           percent(metrics.accuracy.high), metrics.accuracy.n, percent(metrics.macro_f1),
                           metrics.log_loss));
  session.notes(done.notes);
  return session.report_skipped(done.skipped, "tracks");
}

}  // namespace

void add_evaluate(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Evaluate a saved model on labelled examples", .examples = kExamples};
  const auto [command, job] = session.add_command(app, "evaluate", text, run);
  OptionGroup(command, kModel).add("MODEL", job.model, "", "A saved model, *.gwm")->required();
  add_data_options(command, job.data, Tables::one, "those of the model");
  add_split_options(command, job.split);
  one_of(OptionGroup(command, kSplit)
             .add("--part", job.part, "PART", "Examples to evaluate on; unseen: all that it was not trained on"),
         {"unseen", "training", "validation", "test", "all"})
      ->capture_default_str();
  OptionGroup(command, kOutput)
      .add("--features-file", job.features_file, "FILE", "Keep the extracted features for the next time")
      ->default_str("a temporary file");
  session.add_format_options(command);
  session.add_seed_option(command);
}

}  // namespace genrewise::cli
