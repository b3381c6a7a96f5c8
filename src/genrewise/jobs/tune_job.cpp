#include "genrewise/jobs/tune_job.hpp"

#include <algorithm>
#include <iterator>

#include "genrewise/base/error.hpp"
#include "genrewise/data_source/selection.hpp"
#include "genrewise/jobs/options.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/report/results.hpp"
#include "genrewise/report/write_run.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/mirrored_folder.hpp"
#include "genrewise/study/run_folder.hpp"

namespace genrewise {
namespace {

/// The search without presets, which may depend on the table.
TuningConfig search_of(const TuneJobConfig& config) {
  ModelSpec spec = parse_model(config.model);
  for (const std::string& text : config.parameters) add_parameter(spec, text);
  for (const std::string& text : config.grid) add_axis(spec, text);
  std::erase_if(spec.grid, [](const GridAxis& axis) { return axis.by_default; });  // only explicit axes are searched
  TuningConfig search;
  search.kind = spec.kind;
  search.fixed = std::move(spec.parameters);
  search.axes = std::move(spec.grid);
  search.random_points = config.random_points;
  search.folds = config.folds;
  search.scheme = config.fold_scheme;
  search.seed = config.seed;
  if (search.axes.empty() && config.presets.empty()) {
    throw UsageError("there is nothing to search", "--grid", "give axes, as in --grid k=1:96:5, or --preset study");
  }
  require_valid(search);
  return search;
}

nlohmann::json identity(const DataSource& source, const TuneJobConfig& config, const TuningConfig& search) {
  nlohmann::json identity = run_identity(source, config.split);
  identity["model"] = search.kind;
  identity["folds"] = search.folds;
  identity["fold_scheme"] = to_string(search.scheme);
  identity["on"] = config.include_test ? "all" : "training+validation";
  identity["seed"] = search.seed;
  identity["command"] = command_line(config);
  return identity;
}

/// The examples to search on.
Examples searched(const TuneJobConfig& config, const Examples& examples, std::vector<std::string>& notes) {
  if (config.include_test) return examples;
  const Split split = make_split(examples.subjects, config.split);
  notes.insert(notes.end(), split.notes.begin(), split.notes.end());
  return select_examples(examples, split.rows_except(Part::test));
}

/// Configuration that fits the best point on the searched examples; empty if it uses a subset of the features.
std::optional<TrainJobConfig> training_of(const TuneJobConfig& config, const TuningConfig& search,
                                          const TuningResult& result, const std::filesystem::path& folder) {
  ModelSpec best;
  best.features = parse_model(config.model).features;
  best.kind = best.base = search.kind;
  best.parameters = result.points[result.best].parameters;
  if (const auto features = best.parameters.find("features"); features != best.parameters.end()) {
    if (features->second != "all") return std::nullopt;
    best.parameters.erase(features);
  }
  TrainJobConfig train;
  train.data = config.data;
  train.split = config.split;
  train.model = text_of(best);
  train.on = config.include_test ? TrainingParts::all : TrainingParts::training_and_validation;
  train.output = join_location(folder.native(), "best.gwm");
  train.seed = config.seed;
  return train;
}

}  // namespace

TuneJobResult tune_job(const TuneJobConfig& config, Runtime& runtime) {
  const UseRuntime use(runtime);
  Progress& progress = runtime.progress();
  if (config.include_test) require_not_given(config.split, "all examples are searched on, so there are no parts");
  TuneJobResult done;
  done.search = search_of(config);
  DataSourceConfig data = data_for(config.data, config.split);
  name_features(data, parse_model(config.model).features);
  const DataSource source(std::move(data));
  if (!config.include_test) require_split(source, config.split);
  require_genres(source);
  MirroredFolder mirror(config.output);
  const TuningFolder folder(mirror.path(), identity(source, config, done.search), config.replace);
  if (!folder.note().empty()) progress.note(folder.note());
  const LoadedExamples loaded = source.load(folder.features_path(source.extracted_columns()), progress);
  std::vector<std::string> notes = loaded.examples.notes;
  const Examples examples = searched(config, loaded.examples, notes);
  for (const std::string& preset : config.presets) {
    std::ranges::move(preset_grid(preset, done.search.kind, examples.table.columns),
                      std::back_inserter(done.search.axes));
  }
  done.result = tune(examples, done.search, progress, folder.store(examples));

  done.train = training_of(config, done.search, done.result, config.output);
  StudyContext context = context_of(source, config.output.string(), command_line(config), loaded.skipped);
  context.features = {{examples.table.recipe, examples.table.columns.size(), loaded.extract_s}};
  done.document =
      tuning_json(examples, done.search, done.result, context,
                  config.include_test ? "all examples, the test part included" : "training and validation part",
                  done.train ? command_line(*done.train) : "");
  write_tuning(folder.path(), done.document);
  done.notes = done.document.at("notes").get<std::vector<std::string>>();
  done.skipped = loaded.skipped;
  mirror.synchronise();
  done.report = join_location(config.output.native(), "report.html");
  return done;
}

std::string command_line(const TuneJobConfig& config) {
  std::vector<std::string> words = {"genrewise", "tune", config.data.location, "--model", config.model};
  for (const std::string& text : config.grid) add_option(words, "--grid", text);
  for (const std::string& preset : config.presets) add_option(words, "--preset", preset);
  for (const std::string& text : config.parameters) add_option(words, "--param", text);
  add_options(words, config.data);
  add_options(words, config.split);
  const TuneJobConfig standard;
  if (config.random_points > 0) add_option(words, "--random", std::to_string(config.random_points));
  if (config.folds != standard.folds) add_option(words, "--folds", std::to_string(config.folds));
  if (config.fold_scheme != standard.fold_scheme) {
    add_option(words, "--fold-scheme", std::string(to_string(config.fold_scheme)));
  }
  if (config.include_test) add_option(words, "--on", "all");
  if (config.seed != kDefaultSeed) add_option(words, "--seed", std::to_string(config.seed));
  add_option(words, "-o", config.output.string());
  return shell_line(words);
}

}  // namespace genrewise
