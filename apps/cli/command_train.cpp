// genrewise train: one model, fitted and saved.
#include <fmt/format.h>

#include <memory>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/jobs/train_job.hpp"
#include "genrewise/report/charts.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise train ~/music/by_genre --model svm --param C=10 -o mine.gwm\n"
    "genrewise train features_30_sec.csv --model knn:n_neighbors=21:weights=distance -o knn.gwm\n"
    "genrewise train fma --model logreg:C=0.01 --scheme official --on training+validation -o fma.gwm\n"
    "genrewise train packs/raw10k --model cnn1d --run runs/cnn1d -o cnn1d.gwm";

struct TrainOptions {
  TrainJobConfig job;
  DataOptions data;
  SplitOptions split;
  std::string on = "training";
};

Table part_table(const TrainJobResult& done) {
  using enum Table::Align;
  Table table({{"part"},
               {"examples", right},
               {"accuracy", right},
               {"95 % interval", right},
               {"macro-F1", right},
               {"log loss", right}});
  for (const auto& [part, metrics] : done.parts) {
    const Score& accuracy = metrics.accuracy;
    table.add_row({std::string(to_string(part)), std::to_string(accuracy.n), percent(accuracy.value),
                   percent(accuracy.low) + " - " + percent(accuracy.high), percent(metrics.macro_f1),
                   fmt::format("{:.3f}", metrics.log_loss)});
  }
  return table;
}

int run(const TrainOptions& options, Session& session) {
  TrainJobConfig config = options.job;
  config.data = options.data.config;
  config.split = options.split.config_with(session.seed);
  config.on = parse_training_parts(options.on);
  config.seed = session.seed;
  const TrainJobResult done = train_job(config, session.runtime);
  if (!done.written) return kDone;
  print_result(session, part_table(done), [&] { return to_json(done, config.output); });
  session.say(fmt::format("{}: {} fitted to {} genres on {} examples in {}", config.output.string(), done.kind,
                          done.model.labels.size(), done.examples, duration_text(done.fit_s)));
  for (const std::string& note : done.notes) session.say(note);
  session.report_skipped(done.skipped, "tracks");
  return done.skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_train(CLI::App& app, Session& session) {
  auto options = std::make_shared<TrainOptions>();
  TrainJobConfig& job = options->job;
  CLI::App* command = session.add_command(app, "train", "Fit one model and save it", kExamples,
                                          [options, &session] { return run(*options, session); });
  options->data.add_to(command);
  options->split.add_to(command);
  command
      ->add_option("--model", job.model,
                   "the model: a kind or preset with its parameters, as in svm:C=10 (`genrewise models` lists them); "
                   "FEATURES/ before it names its feature set")
      ->required();
  command->add_option(
      "--param", job.parameters,
      "NAME=VALUE, a parameter of the model (`genrewise models KIND` lists them) or of what prepares the features: "
      "standardise, pca_components, pca_variance, pca_whiten; a list in parentheses; may be given several times");
  command
      ->add_option("-o,--output", job.output,
                   "the model's file, *.gwm; extracted features stay beside it in *.features.csv")
      ->required();
  command->add_option("--on", options->on, "which parts it is trained on; the others evaluate it")
      ->check(CLI::IsMember({"training", "training+validation", "all"}))
      ->capture_default_str();
  command->add_option(
      "--run", job.run_folder,
      "a network's run folder: checkpoints, curves, TensorBoard events; the same command goes on from it");
  CLI::Option* ranks = command->add_option("--ranks", job.ranks, "how many processes train a network together")
                           ->check(CLI::Range(1, 1024));
  command->add_option("--rank", job.rank, "which of them this is, from 0")->needs(ranks);
  command->add_option("--ranks-at", job.ranks_address, "HOST:PORT of rank 0")->needs(ranks);
  command->add_option("--pca", job.pca_components, "keep this many principal components (default: no PCA)");
  session.add_seed_option(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
