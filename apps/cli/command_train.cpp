// genrewise train: one model, fitted and saved.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/storage/local_file.hpp"
#include "genrewise/study/charts.hpp"
#include "genrewise/study/evaluation.hpp"
#include "genrewise/study/learners.hpp"
#include "genrewise/study/results.hpp"
#include "genrewise/study/study.hpp"
#include "study_support.hpp"

namespace genrewise::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kExamples[] =
    "genrewise train ~/music/by_genre --model svm --param C=10 -o mine.gwm\n"
    "genrewise train features_30_sec.csv --model knn --param n_neighbors=21 --param weights=distance -o knn.gwm\n"
    "genrewise train fma --model logreg --param C=0.01 --scheme official --on training+validation -o fma.gwm";

struct TrainOptions {
  ExamplesSource source;
  SplitSource split;
  std::string kind, output, on = "training";
  std::vector<std::string> parameters;
  std::size_t pca_components = 0;
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

int run(const TrainOptions& options, Session& session) {
  ExamplesSource source = options.source;
  Parameters parameters;
  for (const std::string& text : options.parameters) parameters.insert(parse_parameter(text));
  auto classifier = make_classifier(options.kind, parameters, derive_seed(session.seed, options.kind));

  source.open();
  const fs::path features = fs::path(options.output).replace_extension(".features.csv");
  const LoadedExamples loaded = source.load(features, session.progress());
  const Split split = split_of(options, loaded.examples.subjects, session.seed);
  PreprocessingConfig preprocessing;
  preprocessing.pca_components = options.pca_components;
  preprocessing.seed = session.seed;
  const std::vector<std::size_t> rows = rows_to_learn(split, options.on);
  session.progress().begin("fitting", "fits", 1);
  Model model = fit_model(loaded.examples, rows, std::move(classifier), preprocessing);
  session.progress().finish();
  model.facts["seed"] = session.seed;
  model.facts["learnt"] = options.on;
  if (options.on != "all") model.facts["split"] = {{"scheme", to_string(split.scheme)}, {"seed", split.seed}};

  using enum Table::Align;
  Table table({{"part"},
               {"examples", right},
               {"accuracy", right},
               {"95 % interval", right},
               {"macro-F1", right},
               {"log loss", right}});
  nlohmann::json scores = nlohmann::json::object();
  for (const Part part : {Part::validation, Part::test}) {
    const bool learnt = part == Part::validation && options.on != "training";
    if (learnt || split.rows(part).empty()) continue;
    const Metrics metrics = evaluate(model, loaded.examples, split.rows(part), session.seed).metrics;
    const Score& accuracy = metrics.accuracy;
    table.add_row({std::string(to_string(part)), std::to_string(accuracy.n), percent(accuracy.value),
                   percent(accuracy.low) + " - " + percent(accuracy.high), percent(metrics.macro_f1),
                   fmt::format("{:.3f}", metrics.log_loss)});
    scores[std::string(to_string(part))] = to_json(metrics, model.labels);
    model.facts[std::string(to_string(part))] = {{"accuracy", accuracy.value}, {"examples", accuracy.n}};
  }
  save_model(model, options.output);
  const nlohmann::json result = {{"model", options.output},
                                 {"kind", options.kind},
                                 {"parameters", model.classifier->parameters()},
                                 {"examples", rows.size()},
                                 {"parts", scores}};
  print_result(session, table, [&] { return result; });
  session.say(fmt::format("{}: {} learnt {} genres from {} examples", options.output, options.kind, model.labels.size(),
                          rows.size()));
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
  command->add_option("--model", options->kind, "the kind of classifier: gnb, knn, logreg, svm, ...")->required();
  command->add_option("--param", options->parameters,
                      "NAME=VALUE, by scikit-learn's names; may be given several times (docs/models.md lists them)");
  command
      ->add_option("-o,--output", options->output,
                   "the model's file, *.gwm; extracted features stay beside it in *.features.csv")
      ->required();
  command->add_option("--on", options->on, "which parts it learns from; what is left judges it")
      ->check(CLI::IsMember({"training", "training+validation", "all"}))
      ->capture_default_str();
  command->add_option("--pca", options->pca_components, "keep this many principal components (default: no PCA)");
  session.add_seed_option(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
