// genrewise train: one model, fitted and saved.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/evaluation/evaluation.hpp"
#include "genrewise/models/batch_learner.hpp"
#include "genrewise/report/charts.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/learners.hpp"
#include "genrewise/study/pack_training.hpp"
#include "genrewise/study/results.hpp"
#include "genrewise/study/study.hpp"
#include "study_support.hpp"

namespace genrewise::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kExamples[] =
    "genrewise train ~/music/by_genre --model svm --param C=10 -o mine.gwm\n"
    "genrewise train features_30_sec.csv --model knn --param n_neighbors=21 --param weights=distance -o knn.gwm\n"
    "genrewise train fma --model logreg --param C=0.01 --scheme official --on training+validation -o fma.gwm\n"
    "genrewise train packs/raw10k --model cnn1d --run runs/cnn1d -o cnn1d.gwm";

struct TrainOptions {
  ExamplesSource source;
  SplitSource split;
  std::string kind, output, on = "training";
  std::vector<std::string> parameters;
  std::size_t pca_components = 0;
  std::string run_folder, ranks_at;
  int rank = 0, ranks = 1;
};

/// With --on all no split is needed, and a dataset that cannot be split is no trouble.
Split split_of(const TrainOptions& options, const SplitSubjects& subjects, std::uint64_t seed) {
  if (options.on != "all") return options.split.make(subjects, seed);
  Split split;
  split.parts.assign(subjects.ids.size(), Part::training);
  return split;
}

std::vector<std::size_t> rows_to_learn(const Split& split, const std::string& on) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < split.parts.size(); ++i) {
    const Part part = split.parts[i];
    if (part == Part::training || (part == Part::validation && on != "training")) rows.push_back(i);
  }
  return rows;
}

FitContext place_of(const TrainOptions& options, Session& session) {
  FitContext place;
  place.progress = &session.progress();
  place.run_folder = options.run_folder;
  place.ranks_address = options.ranks_at;
  place.rank = options.rank;
  place.ranks = options.ranks;
  return place;
}

/// What is told of the parts that the model did not learn from.
class PartScores {
 public:
  void add(Part part, const Metrics& metrics, Model& model) {
    const Score& accuracy = metrics.accuracy;
    table_.add_row({std::string(to_string(part)), std::to_string(accuracy.n), percent(accuracy.value),
                    percent(accuracy.low) + " - " + percent(accuracy.high), percent(metrics.macro_f1),
                    fmt::format("{:.3f}", metrics.log_loss)});
    scores_[std::string(to_string(part))] = to_json(metrics, model.labels);
    model.facts[std::string(to_string(part))] = {{"accuracy", accuracy.value}, {"examples", accuracy.n}};
  }
  void print(const TrainOptions& options, const Model& model, std::size_t examples, Session& session) const {
    const nlohmann::json result = {{"model", options.output},
                                   {"kind", options.kind},
                                   {"parameters", model.classifier->parameters()},
                                   {"examples", examples},
                                   {"parts", scores_}};
    print_result(session, table_, [&] { return result; });
    session.say(fmt::format("{}: {} learnt {} genres from {} examples", options.output, options.kind,
                            model.labels.size(), examples));
  }

 private:
  Table table_{{{"part"},
                {"examples", Table::Align::right},
                {"accuracy", Table::Align::right},
                {"95 % interval", Table::Align::right},
                {"macro-F1", Table::Align::right},
                {"log loss", Table::Align::right}}};
  nlohmann::json scores_ = nlohmann::json::object();
};

int train_packed(const TrainOptions& options, std::unique_ptr<Classifier> classifier, Session& session) {
  const FitContext place = place_of(options, session);
  PackTraining training =
      train_on_pack(open_pack(options.source.dataset()), std::move(classifier), place, session.seed);
  if (place.rank != 0) return kDone;  // rank 0 has the same model and writes it
  PartScores scores;
  for (const auto& [part, metrics] : training.metrics) scores.add(part, metrics, training.model);
  save_model(training.model, options.output);
  scores.print(options, training.model, training.examples, session);
  return kDone;
}

int run(const TrainOptions& options, Session& session) {
  ExamplesSource source = options.source;
  Parameters parameters;
  for (const std::string& text : options.parameters) parameters.insert(parse_parameter(text));
  const Point point(parameters, make_classifier(options.kind, {}, session.seed)->parameters());
  if (point.preparing.contains("features")) {
    throw CLI::ValidationError("--param", "a model learns from a whole table; groups of features are for tune");
  }
  PreprocessingConfig preprocessing;
  preprocessing.pca_components = options.pca_components;
  preprocessing.seed = session.seed;
  preprocessing = preprocessing_of(point, preprocessing);
  auto classifier = make_classifier(options.kind, point.learning, derive_seed(session.seed, options.kind));
  if (is_pack(source.dataset()) && dynamic_cast<BatchLearner*>(classifier.get()) != nullptr)
    return train_packed(options, std::move(classifier), session);

  source.open();
  const fs::path features = fs::path(options.output).replace_extension(".features.csv");
  const LoadedExamples loaded = source.load(features, session.progress());
  const Split split = split_of(options, loaded.examples.subjects, session.seed);
  const std::vector<std::size_t> rows = rows_to_learn(split, options.on);
  const FitContext place = place_of(options, session);
  session.progress().begin("fitting", "fits", 1);
  Model model = fit_model(loaded.examples, rows, std::move(classifier), preprocessing, place);
  session.progress().finish();
  model.facts["seed"] = session.seed;
  model.facts["learnt"] = options.on;
  if (options.on != "all") model.facts["split"] = {{"scheme", to_string(split.scheme)}, {"seed", split.seed}};

  if (place.rank != 0) return kDone;
  PartScores scores;
  for (const Part part : {Part::validation, Part::test}) {
    const bool learnt = part == Part::validation && options.on != "training";
    if (learnt || split.rows(part).empty()) continue;
    scores.add(part, evaluate(model, loaded.examples, split.rows(part), session.seed).metrics, model);
  }
  save_model(model, options.output);
  scores.print(options, model, rows.size(), session);
  session.report_skipped(loaded.skipped, "tracks");
  return loaded.skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_train(CLI::App& app, Session& session) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* command = session.add_command(app, "train", "Fit one model and save it", kExamples,
                                          [options, &session] { return run(*options, session); });
  options->source.add_options(command);
  options->split.add_options(command);
  command
      ->add_option("--model", options->kind,
                   "the kind of classifier: gnb, knn, logreg, svm, ..., or a network: cnn1d, dense, ...")
      ->required();
  command->add_option(
      "--param", options->parameters,
      "NAME=VALUE, by scikit-learn's names; may be given several times (docs/models.md lists them); also "
      "standardise, pca_components, pca_variance and pca_whiten");
  command
      ->add_option("-o,--output", options->output,
                   "the model's file, *.gwm; extracted features stay beside it in *.features.csv")
      ->required();
  command->add_option("--on", options->on, "which parts it learns from; what is left judges it")
      ->check(CLI::IsMember({"training", "training+validation", "all"}))
      ->capture_default_str();
  command->add_option(
      "--run", options->run_folder,
      "a network's run folder: checkpoints, curves, TensorBoard events; the same command goes on from it");
  CLI::Option* ranks =
      command->add_option("--ranks", options->ranks, "how many processes train together")->check(CLI::Range(1, 1024));
  command->add_option("--rank", options->rank, "which of them this is, from 0")->needs(ranks);
  command->add_option("--ranks-at", options->ranks_at, "HOST:PORT of rank 0")->needs(ranks);
  command->add_option("--pca", options->pca_components, "keep this many principal components (default: no PCA)");
  session.add_seed_option(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
