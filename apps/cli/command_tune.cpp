// genrewise tune: the search for a learner's parameters.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <numeric>

#include "commands.hpp"

namespace genrewise::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kRowsShown = 10;
constexpr char kExamples[] =
    "genrewise tune features_30_sec.csv --model knn --grid k=1:96:5 -o runs/tune_knn\n"
    "genrewise tune fma --model svm --grid C=log:-2:2:9 --grid gamma=scale,0.001,0.01 --random 12 -o runs/tune_svm\n"
    "genrewise tune fma --model logreg --grid C=0.01,0.1 --grid features=mfcc,mfcc+spectral_contrast,all "
    "--grid pca_components=0,50,100 -o runs/tune_logreg\n"
    "genrewise tune fma --model gnb --preset study -o runs/tune_gnb\n"
    "genrewise tune fma --model svm --preset pca -o runs/components";

struct TuneOptions {
  DataOptions data;
  SplitOptions split;
  TuningConfig config;
  std::string output, on = "training+validation", fold_scheme = "grouped";
  std::vector<std::string> grid, presets, fixed;
  bool anew = false;
};

TuningConfig config_of(const TuneOptions& options, std::uint64_t seed) {
  TuningConfig config = options.config;
  config.seed = seed;
  config.scheme = parse_split_scheme(options.fold_scheme);
  ModelSpec spec = parse_model(options.config.kind);
  for (const std::string& text : options.fixed) add_parameter(spec, text);
  for (const std::string& text : options.grid) add_axis(spec, text);
  const bool asked =
      !options.presets.empty() || std::ranges::any_of(spec.grid, std::logical_not<>(), &GridAxis::by_default);
  if (asked) std::erase_if(spec.grid, [](const GridAxis& axis) { return axis.by_default; });
  config.kind = spec.kind;
  config.fixed = std::move(spec.parameters);
  config.axes = std::move(spec.grid);
  if (config.axes.empty() && options.presets.empty()) {
    throw CLI::ValidationError("--grid", "say what to search, as in --grid k=1:96:5, or --preset study");
  }
  require_sound(config);
  return config;
}

/// Some presets depend on the table.
void add_presets(const TuneOptions& options, const Examples& examples, TuningConfig& config) {
  for (const std::string& preset : options.presets) {
    std::ranges::move(preset_grid(preset, config.kind, examples.table.columns), std::back_inserter(config.axes));
  }
}

std::string command_line(const TuneOptions& options, std::uint64_t seed) {
  std::vector<std::string> words = {"genrewise", "tune", options.data.config.location, "--model", options.config.kind};
  const auto add = [&](const char* option, const std::string& value) { words.insert(words.end(), {option, value}); };
  for (const std::string& text : options.grid) add("--grid", text);
  for (const std::string& preset : options.presets) add("--preset", preset);
  for (const std::string& text : options.fixed) add("--param", text);
  options.data.add_words(words);
  options.split.add_words(words);
  if (options.config.random_points > 0) add("--random", std::to_string(options.config.random_points));
  if (options.config.folds != TuningConfig{}.folds) add("--folds", std::to_string(options.config.folds));
  if (options.fold_scheme != "grouped") add("--fold-scheme", options.fold_scheme);
  if (options.on != "training+validation") add("--on", options.on);
  if (seed != kDefaultSeed) add("--seed", std::to_string(seed));
  add("-o", options.output);
  return shell_line(words);
}

Table points_table(const json& results) {
  using enum Table::Align;
  Table table({{"parameters"},
               {"accuracy", right},
               {"error", right},
               {"log loss", right},
               {"fit", right},
               {"predict", right},
               {""}});
  const json& points = results.at("points");
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t i) {
    return points[i].contains("error") ? -1.0 : points[i].at("accuracy").get<double>();
  });
  const std::size_t simple = results.at("one_standard_error"), best = results.at("best");
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const std::size_t i = order[rank];
    if (rank >= kRowsShown && i != simple) continue;
    const json& point = points[i];
    const std::string mark = i == best ? "best" : i == simple ? "simplest within one standard error" : "";
    table.add_row({to_string(point.at("varied").get<Parameters>()), percent(point.at("accuracy")),
                   fmt::format("± {:.1f}", 100 * point.at("standard_error").get<double>()),
                   fmt::format("{:.3f}", point.at("log_loss").get<double>()), duration_text(point.at("fit_s")),
                   duration_text(point.at("predict_s")),
                   point.contains("error") ? point.at("error").get<std::string>() : mark});
  }
  return table;
}

/// The examples that may be searched on: without --on all the test part stays unseen.
Examples searched(const TuneOptions& options, const Examples& examples, Session& session) {
  if (options.on == "all") return examples;
  const Split split = make_split(examples.subjects, options.split.config_with(session.seed));
  for (const std::string& note : split.notes) session.say(note);
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < split.parts.size(); ++i) {
    if (split.parts[i] != Part::test) rows.push_back(i);
  }
  return select_examples(examples, rows);
}

int run(TuneOptions options, Session& session) {
  TuningConfig config = config_of(options, session.seed);
  const DataSource source(options.data.config_for(options.split));
  if (options.on == "all") options.split.require_unused("with --on all nothing is split");
  if (options.on != "all") require_split(source, options.split.config_with(session.seed));
  const json identity = {{"dataset", source.location()},
                         {"dataset_fingerprint", source.fingerprint()},
                         {"features", source.features()},
                         {"model", config.kind},
                         {"folds", config.folds},
                         {"fold_scheme", options.fold_scheme},
                         {"on", options.on},
                         {"scheme", options.split.scheme},
                         {"split_file", options.split.file},
                         {"seed", config.seed}};
  const TuningFolder folder(options.output, identity, options.anew);
  const LoadedExamples loaded = source.load(folder.features_path(source.extracted_columns()), session.progress());
  const Examples examples = searched(options, loaded.examples, session);
  add_presets(options, examples, config);
  const TuningResult result = tune(examples, config, session.progress(), folder.store(examples));

  StudyContext context = context_of(source, options.output, command_line(options, session.seed), loaded.skipped);
  context.features = {{examples.table.recipe, examples.table.columns.size(), loaded.extract_s}};
  const std::string used =
      options.on == "all" ? "all examples, the test part included" : "training and validation part";
  const json results = tuning_json(examples, config, result, context, used);
  write_tuning(folder.path(), results);
  print_result(session, points_table(results), [&] { return results; });
  session.say(
      "the best of many scores flatters: judge it on the test part (genrewise train ... --on "
      "training+validation, with these parameters)");
  session.say(fmt::format("report: {}", (folder.path() / "report.html").string()));
  session.report_skipped(loaded.skipped, "tracks");
  return loaded.skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_tune(CLI::App& app, Session& session) {
  auto options = std::make_shared<TuneOptions>();
  CLI::App* command = session.add_command(app, "tune", "Search for a learner's parameters by grouped cross-validation",
                                          kExamples, [options, &session] { return run(*options, session); });
  options->data.add_to(command);
  options->split.add_to(command);
  command->add_option("--model", options->config.kind, "the kind of classifier: gnb, knn, logreg, svm, ...")
      ->required();
  command->add_option(
      "--grid", options->grid,
      "NAME=START:STOP:STEP, NAME=log:FROM:TO:COUNT or NAME=VALUE,VALUE; several times for a product. Beside "
      "the learner's parameters: pca_components, pca_variance, pca_whiten, standardise, features");
  command
      ->add_option(
          "--preset", options->presets,
          "a grid by name: study (that of the study which genrewise repeats), wide (the parameters that matter "
          "most), pca (numbers of components), scaling, features; several times for a product")
      ->check(CLI::IsMember(preset_names()));
  command->add_option("--param", options->fixed, "NAME=VALUE that is the same for all points");
  command->add_option("--random", options->config.random_points, "draw so many points of the grid (default: all)");
  command->add_option("--folds", options->config.folds, "of the cross-validation")->capture_default_str();
  command->add_option("--fold-scheme", options->fold_scheme, "grouped (no artist on two sides) or random")
      ->check(CLI::IsMember({"grouped", "random"}))
      ->capture_default_str();
  command->add_option("--on", options->on, "the examples to search on; the test part stays unseen unless all")
      ->check(CLI::IsMember({"training+validation", "all"}))
      ->capture_default_str();
  command->add_option("-o,--output", options->output, "the run's folder; the same command goes on where it was")
      ->required();
  command->add_flag("--force", options->anew, "start anew in a folder that holds another run");
  session.add_seed_option(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
