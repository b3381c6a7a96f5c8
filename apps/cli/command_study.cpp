// genrewise study: several models on one dataset, with a report.
#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <memory>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/report/charts.hpp"
#include "genrewise/report/results.hpp"
#include "genrewise/report/write_run.hpp"
#include "genrewise/study/ablation.hpp"
#include "genrewise/study/notes.hpp"
#include "genrewise/study/run_folder.hpp"

namespace genrewise::cli {
namespace {

using nlohmann::json;

constexpr char kExamples[] =
    "genrewise study ~/music/by_genre -o runs/mine\n"
    "genrewise study fma -o runs/fma --subset small --scheme official\n"
    "genrewise study fma -o runs/fma518 --table fma/fma_metadata/features.csv\n"
    "genrewise study features_30_sec.csv -o runs/gtzan --models gnb knn svm-rbf svm:C=3:kernel=poly\n"
    "genrewise study fma -o runs/whole --models svm-rbf frames/knn frames/svm-linear\n"
    "genrewise study fma -o runs/baselines --models fma-baselines --ablation";

struct StudyOptions {
  DataOptions data;
  SplitOptions split;
  std::string output;
  std::vector<std::string> models;
  std::size_t pca_components = 0;
  bool ablation = false, anew = false;
};

std::string command_line(const StudyOptions& options, std::uint64_t seed) {
  std::vector<std::string> words = {"genrewise", "study", options.data.config.location, "-o", options.output};
  const auto add = [&](const std::string& option, const std::string& value) {
    words.insert(words.end(), {option, value});
  };
  options.data.add_words(words);
  options.split.add_words(words);
  if (!options.models.empty()) words.push_back("--models");
  words.insert(words.end(), options.models.begin(), options.models.end());
  if (options.pca_components > 0) add("--pca", std::to_string(options.pca_components));
  if (options.ablation) words.emplace_back("--ablation");
  if (seed != kDefaultSeed) add("--seed", std::to_string(seed));
  return shell_line(words);
}

/// What makes two runs the same; the models are not among it, for each keeps its own entry.
json config_of(const StudyOptions& options, const DataSource& source, const StudyConfig& config) {
  const std::string given = source.kind() == "pack" ? "pack" : "table";
  return {{"dataset", source.location()},
          {"dataset_fingerprint", source.fingerprint()},
          {"features", source.extracts() ? source.features() : given},
          {"table", source.table()},
          {"scheme", options.split.scheme},
          {"split_file", options.split.file},
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

/// `cell` says what stands in the table of a model that could be fitted.
Table ablation_table(const json& ablation, const std::function<std::string(const json& model)>& cell) {
  using enum Table::Align;
  std::vector<Table::Column> columns = {{"features"}, {"dim", right}};
  for (const json& model : ablation.at(0).at("models")) columns.push_back({model.at("name"), right});
  Table table(columns);
  for (const json& row : ablation) {
    std::vector<std::string> cells = {row.at("features"), std::to_string(row.at("columns").get<std::size_t>())};
    for (const json& model : row.at("models")) cells.push_back(model.contains("error") ? "failed" : cell(model));
    table.add_row(std::move(cells));
  }
  return table;
}

void print_ablation(const json& ablation, Session& session) {
  const Table accuracy = ablation_table(ablation, [](const json& model) {
    return fmt::format("{:.1f}", 100 * model.at("accuracy").at("value").get<double>());
  });
  const Table seconds = ablation_table(ablation, [](const json& model) {
    return fmt::format("{:.3f}", model.at("fit_s").get<double>() + model.at("predict_s").get<double>());
  });
  session.print("\ntest accuracy in percent, by features\n" + accuracy.text());
  session.print("\nseconds to fit once and to predict the test part\n" + seconds.text());
}

/// A wrong name is told before anything is done.
void require_features(const DataSource& source, const std::vector<ModelSpec>& models) {
  for (const ModelSpec& spec : models) {
    if (spec.features.empty() || !source.table_of(spec.features).empty() || !source.has_audio()) continue;
    make_feature_set(spec.features);
  }
}

int run(StudyOptions options, Session& session) {
  StudyConfig config;
  config.seed = session.seed;
  config.preprocessing.pca_components = options.pca_components;
  config.preprocessing.seed = session.seed;
  config.models = options.models.empty() ? default_models() : parse_models(options.models);

  const DataSource source(options.data.config_for(options.split));
  const SplitConfig split_config = options.split.config_with(session.seed);
  require_split(source, split_config);
  require_features(source, config.models);
  const RunFolder folder(options.output, config_of(options, source, config), options.anew);
  std::vector<std::string> sets;
  for (const ModelSpec& spec : config.models) sets.push_back(spec.features);
  const auto path_of = [&](const std::string& set, std::size_t columns) { return folder.features_path(columns, set); };
  const JoinedExamples loaded = load_joined(source, sets, path_of, session.progress());
  const Split split = make_split(loaded.examples.subjects, split_config);
  const StudyResult result = run_study(
      loaded.examples, split, config, session.progress(),
      [&](const Examples& learnt) { return folder.store(learnt, split); }, loaded.table_of);

  StudyContext context = context_of(source, options.output, command_line(options, session.seed), loaded.skipped);
  context.features = loaded.features;
  context.clip_facts = source.clip_facts(loaded.examples, session.progress());
  json results = results_json(loaded.examples, split, config, result, context);
  if (options.ablation) {
    StudyConfig own = config;
    std::erase_if(own.models, [&](const ModelSpec& spec) {
      return !spec.features.empty() && spec.features != loaded.examples.table.recipe.name;
    });
    const auto rows = run_ablation(loaded.examples, split, own, session.progress(),
                                   [&](const Examples& selected, const std::string& features) {
                                     return folder.ablation_store(selected, split, features);
                                   });
    results["ablation"] = ablation_json(rows, loaded.examples.labels);
  }
  write_study(folder, loaded.examples, split, result, results);

  print_result(session, comparison_table(result), [&] { return results; });
  if (options.ablation && session.format == Format::table) {
    print_ablation(results.at("ablation"), session);
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
  options->data.add_to(command, DataOptions::Tables::several);
  options->split.add_to(command);
  command->add_option("-o,--output", options->output, "the run's folder; the same command goes on where it was")
      ->required();
  std::vector<std::string> names;
  for (const ModelSpec& spec : default_models()) names.push_back(spec.name);
  command->add_option(
      "--models", options->models,
      fmt::format("which models (default: {}), fma-baselines, or KIND:PARAMETER=VALUE as in svm:C=1,10 (`genrewise "
                  "models` lists them); several values are chosen from on the validation part; FEATURES/MODEL is "
                  "fitted on another feature set than the study's, on the same tracks and split",
                  fmt::join(names, ",")));
  command->add_option("--pca", options->pca_components, "keep this many principal components (default: no PCA)");
  command->add_flag("--force", options->anew, "start anew in a folder that holds another run");
  command->add_flag("--ablation", options->ablation,
                    "the same for each feature alone and for the combinations of FMA's published baselines");
  session.add_seed_option(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
