// genrewise evaluate: a saved model on examples whose genres are known.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/evaluation/evaluation.hpp"
#include "genrewise/evaluation/metrics_json.hpp"
#include "genrewise/report/charts.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise evaluate runs/mine/best.gwm ~/music/by_genre\n"
    "genrewise evaluate best.gwm other_collection.csv --part all --json\n"
    "genrewise evaluate knn.gwm features_30_sec.csv --part test --seed 42";

struct EvaluateOptions {
  std::string model, part = "unseen", features_file;
  DataOptions data;
  SplitOptions split;
};

std::vector<std::size_t> rows_to_judge(const EvaluateOptions& options, const Model& model, const Examples& examples,
                                       Session& session) {
  if (const auto part = parse_part(options.part)) {
    const Split split = make_split(examples.subjects, options.split.config_with(session.seed));
    for (const std::string& note : split.notes) session.say(note);
    return split.rows(*part);
  }
  if (options.part == "unseen") {
    auto rows = unseen_rows(model, examples);
    if (rows.empty()) {
      throw Error("the model has learnt from every example of it", options.data.config.location,
                  "judge it on other music, or see what it remembers with --part all");
    }
    return rows;
  }
  std::vector<std::size_t> all(examples.subjects.ids.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

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
  const Model model = load_model(options.model);
  DataSourceConfig config = options.data.config_for(options.split);
  if (model.recipe.name != "table") config.default_features = model.recipe.name;
  const DataSource source(config);
  if (parse_part(options.part)) {
    require_split(source, options.split.config_with(session.seed));
  } else {
    options.split.require_unused("with --part " + options.part + " nothing is split");
  }
  if (!options.features_file.empty() && !source.extracts())
    throw Error("no features are extracted, for the numbers are there", "--features-file", "leave the option out");
  const LoadedExamples loaded = options.features_file.empty() ? source.load(session.progress())
                                                              : source.load(options.features_file, session.progress());
  const auto rows = rows_to_judge(options, model, loaded.examples, session);
  const Evaluation evaluation = evaluate(model, loaded.examples, rows, session.seed);
  const Metrics& metrics = evaluation.metrics;

  print_result(session, genre_table(metrics, model.labels), [&] {
    nlohmann::json document = to_json(metrics, model.labels);
    document["model"] = options.model;
    document["part"] = options.part;
    document["learnt_from"] = evaluation.learnt_from;
    return document;
  });
  session.say(fmt::format("accuracy {} (95 % interval {} - {}, {} examples), macro-F1 {}, log loss {:.3f}",
                          percent(metrics.accuracy.value), percent(metrics.accuracy.low),
                          percent(metrics.accuracy.high), metrics.accuracy.n, percent(metrics.macro_f1),
                          metrics.log_loss));
  if (evaluation.learnt_from > 0) {
    session.say(
        fmt::format("the model has learnt from {} of these examples: the scores say more of its memory than of "
                    "its ear; --part unseen leaves them out",
                    evaluation.learnt_from));
  }
  std::vector<Fault> skipped = loaded.skipped;
  skipped.insert(skipped.end(), evaluation.skipped.begin(), evaluation.skipped.end());
  session.report_skipped(skipped, "tracks");
  return skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_evaluate(CLI::App& app, Session& session) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command = session.add_command(app, "evaluate", "Judge a saved model on examples whose genres are known",
                                          kExamples, [options, &session] { return run(*options, session); });
  command->add_option("MODEL", options->model, "a .gwm file")->required();
  options->data.add_to(command);
  options->split.add_to(command);
  command
      ->add_option("--part", options->part,
                   "which examples: unseen (those the model has not learnt from), test, validation, training, or all")
      ->check(CLI::IsMember({"unseen", "training", "validation", "test", "all"}))
      ->capture_default_str();
  command->add_option("--features-file", options->features_file,
                      "keep the extracted features here for the next time (default: a temporary file)");
  session.add_seed_option(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
