// genrewise study: several models on one dataset, with a report.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <filesystem>
#include <memory>

#include "commands.hpp"
#include "genrewise/study/ablation.hpp"
#include "genrewise/study/charts.hpp"
#include "genrewise/study/learners.hpp"
#include "genrewise/study/results.hpp"
#include "genrewise/study/run_folder.hpp"
#include "study_support.hpp"

namespace genrewise::cli {
namespace {

using nlohmann::json;

constexpr char kExamples[] =
    "genrewise study ~/music/by_genre -o runs/mine\n"
    "genrewise study fma -o runs/fma --subset small --scheme official\n"
    "genrewise study fma -o runs/fma518 --table fma/fma_metadata/features.csv\n"
    "genrewise study features_30_sec.csv -o runs/gtzan --models gnb knn svm-rbf svm:C=3:kernel=poly";

struct StudyOptions {
  ExamplesSource source;
  SplitSource split;
  std::string output;
  std::vector<std::string> models;
  std::size_t pca_components = 0;
  bool ablation = false, anew = false;
};

std::string command_line(const StudyOptions& options, std::uint64_t seed) {
  std::vector<std::string> words = {"genrewise", "study", options.source.dataset(), "-o", options.output};
  const auto add = [&](const std::string& option, const std::string& value) {
    words.insert(words.end(), {option, value});
  };
  if (!options.source.table().empty()) {
    add("--table", options.source.table());
  } else if (options.source.features() != "fma518") {
    add("--features", options.source.features());
  }
  if (options.source.subset() != "small") add("--subset", options.source.subset());
  if (!options.split.file().empty()) add("--split-file", options.split.file());
  if (options.split.scheme() != "auto") add("--scheme", options.split.scheme());
  if (!options.models.empty()) words.push_back("--models");
  words.insert(words.end(), options.models.begin(), options.models.end());
  if (options.pca_components > 0) add("--pca", std::to_string(options.pca_components));
  if (options.ablation) words.emplace_back("--ablation");
  if (seed != kDefaultSeed) add("--seed", std::to_string(seed));
  return shell_line(words);
}

/// What makes two runs the same; the models are not among it, for each keeps its own entry.
json config_of(const StudyOptions& options, const std::string& kind, const StudyConfig& config) {
  const std::string given = kind == "pack" ? "pack" : "table";
  return {{"dataset", options.source.place()},
          {"dataset_fingerprint", options.source.fingerprint()},
          {"features", options.source.extracts() ? options.source.features() : given},
          {"table", options.source.table()},
          {"scheme", options.split.scheme()},
          {"split_file", options.split.file()},
          {"seed", config.seed},
          {"pca_components", config.preprocessing.pca_components}};
}

Table comparison_table(const StudyResult& result) {
  using enum Table::Align;
  Table table({{"model"},
               {"accuracy", right},
               {"95 % interval", right},
               {"macro-F1", right},
               {"log loss", right},
               {"validation", right},
               {"fit", right},
               {"predict", right},
               {"parameters"}});
  const auto points = [](double share) { return fmt::format("{:.1f}", 100 * share); };
  const auto add = [&](const ModelResult& model, const std::string& mark) {
    if (!model.error.empty()) {
      table.add_row({model.name, "failed", "", "", "", "", "", "", model.error});
      return;
    }
    Parameters chosen;
    if (model.tried.size() > 1) {
      for (const auto& [name, ignored] : model.tried.front().parameters) chosen[name] = model.parameters.at(name);
    }
    const Score& accuracy = model.test.accuracy;
    table.add_row({model.name + mark, points(accuracy.value), points(accuracy.low) + " - " + points(accuracy.high),
                   points(model.test.macro_f1), fmt::format("{:.3f}", model.test.log_loss),
                   points(model.validation.value), model.parameters.empty() ? "" : duration_text(model.fit_s),
                   model.parameters.empty() ? "" : duration_text(model.predict_s), to_string(chosen)});
  };
  for (std::size_t i = 0; i < result.models.size(); ++i) add(result.models[i], result.best == i ? " *" : "");
  add(result.baseline, "");
  return table;
}

Table ablation_table(const json& ablation) {
  using enum Table::Align;
  std::vector<Table::Column> columns = {{"features"}, {"columns", right}};
  for (const json& model : ablation.at(0).at("models")) columns.push_back({model.at("name"), right});
  Table table(columns);
  for (const json& row : ablation) {
    std::vector<std::string> cells = {row.at("features"), std::to_string(row.at("columns").get<std::size_t>())};
    for (const json& model : row.at("models")) {
      cells.push_back(model.contains("error")
                          ? "failed"
                          : fmt::format("{:.1f}", 100 * model.at("accuracy").at("value").get<double>()));
    }
    table.add_row(std::move(cells));
  }
  return table;
}

int run(const StudyOptions& options, Session& session) {
  ExamplesSource source = options.source;
  StudyConfig config;
  config.seed = session.seed;
  config.preprocessing.pca_components = options.pca_components;
  config.preprocessing.seed = session.seed;
  for (const std::string& text : options.models) config.models.push_back(parse_model(text));
  if (config.models.empty()) config.models = default_models();

  const std::string kind = source.open();
  StudyOptions opened = options;
  opened.source = source;
  const RunFolder folder(options.output, config_of(opened, kind, config), options.anew);
  const LoadedExamples loaded = source.load(folder.features_path(), session.progress());
  const Split split = options.split.make(loaded.examples.subjects, session.seed);
  const StudyResult result =
      run_study(loaded.examples, split, config, session.progress(), folder.store(loaded.examples, split));

  const StudyContext context{.name = std::filesystem::absolute(options.output).lexically_normal().filename().string(),
                             .command = command_line(options, session.seed),
                             .created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))),
                             .dataset_name = source.name(),
                             .dataset_kind = kind,
                             .dataset_place = source.place(),
                             .skipped = loaded.skipped,
                             .extract_s = loaded.extract_s};
  json results = results_json(loaded.examples, split, config, result, context);
  if (options.ablation) {
    results["ablation"] = run_ablation(loaded.examples, split, config, session.progress(),
                                       [&](const Examples& selected, const std::string& features) {
                                         return folder.ablation_store(selected, split, features);
                                       });
  }
  folder.write(loaded.examples, split, result, results);

  print_result(session, comparison_table(result), [&] { return results; });
  if (options.ablation && session.format == Format::table) {
    session.print("\n" + ablation_table(results.at("ablation")).text());
  }
  for (const std::string& note : honest_notes(loaded.examples, split, result)) session.say(note);
  session.say(fmt::format("report: {}", (folder.path() / "report.html").string()));
  session.report_skipped(loaded.skipped, "tracks");
  for (const ModelResult& model : result.models) {
    if (!model.error.empty()) return kFailed;
  }
  return loaded.skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_study(CLI::App& app, Session& session) {
  auto options = std::make_shared<StudyOptions>();
  CLI::App* command =
      session.add_command(app, "study",
                          "Compare models on a dataset under one honest split: features, parameters chosen "
                          "on the validation part, test scores with intervals, report.html, best model",
                          kExamples, [options, &session] { return run(*options, session); });
  options->source.add_options(command);
  options->split.add_options(command);
  command->add_option("-o,--output", options->output, "the run's folder; the same command goes on where it was")
      ->required();
  command
      ->add_option("--models", options->models,
                   "which models (default: gnb knn logreg svm-linear svm-poly svm-rbf svm-sigmoid), or "
                   "KIND:PARAMETER=VALUE; several values parted by | are chosen from on the validation part")
      ->delimiter(',');
  command->add_option("--pca", options->pca_components, "keep this many principal components (default: no PCA)");
  command->add_flag("--force", options->anew, "start anew in a folder that holds another run");
  command->add_flag("--ablation", options->ablation,
                    "the same for each feature alone and for the combinations of FMA's published baselines");
  session.add_seed_option(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
