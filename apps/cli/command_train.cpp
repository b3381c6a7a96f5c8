// genrewise train: one model, fitted and saved.
#include <fmt/format.h>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/jobs/train_job.hpp"
#include "genrewise/report/formats.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise train ~/music/by_genre -o mine.gwm\n"
    "genrewise train ~/music/by_genre --model svm --param C=10 -o svm.gwm\n"
    "genrewise train features_30_sec.csv --model knn:n_neighbors=21:weights=distance -o knn.gwm\n"
    "genrewise train fma --model logreg:C=0.01 --scheme official --on training+validation -o fma.gwm\n"
    "genrewise train packs/raw10k --model cnn1d --run runs/cnn1d -o cnn1d.gwm";

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

int run(TrainJobConfig& config, Session& session) {
  config.seed = config.split.seed = session.seed;
  const TrainJobResult done = train_job(config, session.runtime);
  if (!done.written) return kDone;
  print_result(session, part_table(done), [&] { return to_json(done, config.output); });
  session.line(fmt::format("{}: {} fitted to {} genres on {} examples in {}", config.output.string(), done.kind,
                           done.model.labels.size(), done.examples, duration_text(done.fit_s)));
  session.notes(done.notes);
  return session.report_skipped(done.skipped, "tracks");
}

}  // namespace

void add_train(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Train one model and save it", .examples = kExamples};
  const auto [command, job] = session.add_command(app, "train", text, run);
  add_data_options(command, job.data);
  add_split_options(command, job.split);
  const OptionGroup model(command, kModel), training(command, kTraining), output(command, kOutput);
  add_choice(OptionGroup(command, kSplit), "--on", job.on, "PARTS", "Parts to train on; the others evaluate it",
             TrainingParts::training, TrainingParts::training_and_validation, TrainingParts::all);
  model.add("--model", job.model, "MODEL",
            "Kind or preset of `genrewise models`, also with parameters as in svm:C=10, and with its feature set as in "
            "audiotag/svm (default ensemble, on --features or else the strongest features whose weights are present)");
  model.add("--param", job.parameters, "NAME=VALUE",
            "A parameter of the model (`genrewise models KIND` lists them) or of the preprocessing: standardise, "
            "pca_components, pca_variance, pca_whiten; a list in parentheses; may be given several times");
  add_pca_option(command, job.pca_components);
  training.add("--run", job.run_folder, "FOLDER",
               "Run folder for checkpoints, curves and TensorBoard events; the same command continues from it");
  CLI::Option* ranks =
      in_range(training.add("--ranks", job.ranks, "N",
                            "Processes that train together (a launcher states them: torchrun, mpirun, srun)"),
               1, 1024)
          ->capture_default_str();
  at_least(training.add("--rank", job.rank, "I", "Rank of this process"), 0)->capture_default_str()->needs(ranks);
  training.add("--ranks-at", job.ranks_address, "HOST:PORT", "Address of rank 0")->needs(ranks);
  output
      .add("-o,--output", job.output, "FILE",
           "Model file to write, *.gwm; extracted features are kept beside it in *.features.csv")
      ->required();
  session.add_format_options(command);
  session.add_seed_option(command);
}

}  // namespace genrewise::cli
