#include "genrewise/jobs/train_job.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "genrewise/base/error.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/evaluation/evaluation.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/jobs/launcher_ranks.hpp"
#include "genrewise/jobs/options.hpp"
#include "genrewise/models/batch_source.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/mirrored_folder.hpp"
#include "genrewise/study/held_out.hpp"
#include "genrewise/study/study.hpp"
#include "genrewise/study/study_presets.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kEvaluatedBatch = 64;  // of records

/// The request, validated before any data is opened.
struct Plan {
  ModelSpec spec;
  Point point;
  PreprocessingConfig preprocessing;
  DataSourceConfig data;
};

/// The first model of the preset best, on the features that are requested, else on the preset's.
ModelSpec default_model(const TrainJobConfig& config, Progress& progress) {
  PresetModels best = preset_models("best", DataSource(data_for(config.data, config.split)));
  ModelSpec spec = best.models.front();
  if (config.data.features || !config.data.tables.empty()) {
    spec.features.clear();
  } else {
    std::erase_if(best.left_out, [&](const LeftOut& one) { return !one.model.ends_with("/" + spec.base); });
    for (const std::string& sentence : sentences(best.left_out)) progress.note(sentence);
  }
  progress.note(fmt::format("No model is named: {} is trained.", text_of(spec)));
  return spec;
}

Plan plan_of(const TrainJobConfig& config, Progress& progress) {
  ModelSpec spec = config.model.empty() ? default_model(config, progress) : parse_model(config.model, Values::single);
  for (const std::string& text : config.parameters) add_parameter(spec, text);
  if (config.pca_components) {
    if (spec.parameters.contains("pca_components")) {
      throw UsageError("pca_components is given twice", "--pca", "leave one of them out");
    }
    add_parameter(spec, fmt::format("pca_components={}", *config.pca_components));
  }
  const Point point(spec.parameters);
  if (point.preprocessing.contains("features")) {
    throw UsageError(
        "a model is fitted on all columns of its table", "--param features",
        "give a feature set, as in fma518/svm; groups of features are available in tune and study --ablation");
  }
  PreprocessingConfig preprocessing;
  preprocessing.seed = config.seed;
  preprocessing = preprocessing_of(point, preprocessing);
  DataSourceConfig data = data_for(config.data, config.split);
  name_features(data, spec.features);
  return {std::move(spec), point, preprocessing, std::move(data)};
}

std::unique_ptr<Classifier> make(const Plan& plan, std::uint64_t seed) {
  return make_classifier(plan.spec.kind, plan.point.classifier, derive_seed(seed, plan.spec.kind));
}

/// Takes the ranks from a launcher's environment, where none are given.
void follow_launcher(TrainJobConfig& config, Progress& progress) {
  if (config.ranks > 1 || !config.ranks_address.empty()) return;
  const auto found = ranks_of_launcher();
  if (!found) return;
  config.rank = found->rank;
  config.ranks = found->ranks;
  config.ranks_address = found->address;
  progress.note(fmt::format("Rank {} of {} by {}, with rank 0 at {}.", config.rank, config.ranks, found->launcher,
                            config.ranks_address));
}

/// Throws Error for an option without effect.
void require_followed(const TrainJobConfig& config, const ClassifierDescriptor& descriptor) {
  const auto refuse = [&](const char* option) {
    throw UsageError(fmt::format("this option applies to networks only, and {} is not one", descriptor.kind), option,
                     "leave the option out");
  };
  if (!descriptor.capabilities.neural_program) {
    if (!config.run_folder.empty()) refuse("--run");
    if (config.ranks > 1) refuse("--ranks");
  }
  if (config.rank < 0 || config.rank >= config.ranks) {
    throw UsageError(fmt::format("ranks are numbered from 0 to {}", config.ranks - 1), "--rank");
  }
  if (config.on == TrainingParts::all) {
    require_not_given(config.split, "the model is fitted on all examples, so there are no parts");
  }
}

FitContext fit_context_of(const TrainJobConfig& config, Progress& progress) {
  FitContext context;
  context.progress = &progress;
  context.run_folder = config.run_folder;
  context.ranks_address = config.ranks_address;
  context.rank = config.rank;
  context.ranks = config.ranks;
  return context;
}

/// Fitting on all examples needs no split, and works with data that cannot be split.
Split split_of(const TrainJobConfig& config, const SplitSubjects& subjects) {
  if (config.on != TrainingParts::all) return make_split(subjects, config.split);
  Split split;
  split.parts.assign(subjects.ids.size(), Part::training);
  return split;
}

std::vector<std::size_t> rows_to_fit(const Split& split, TrainingParts on) {
  return on == TrainingParts::training ? split.rows(Part::training) : split.rows_except(Part::test);
}

void record_facts(const TrainJobConfig& config, const Split& split, TrainJobResult& done) {
  nlohmann::json& facts = done.model.facts;
  facts["seed"] = config.seed;
  facts["fitted_on"] = to_string(config.on);
  if (config.on != TrainingParts::all) {
    facts["split"] = {{"scheme", to_string(split.scheme)}, {"seed", split.seed}};
  }
  for (const auto& [part, metrics] : done.parts) {
    facts[std::string(to_string(part))] = {{"accuracy", metrics.accuracy.value}, {"examples", metrics.accuracy.n}};
  }
}

void train_on_table(const TrainJobConfig& config, const Plan& plan, const DataSource& source,
                    std::unique_ptr<Classifier> classifier, Progress& progress, TrainJobResult& done) {
  const auto features = std::filesystem::path(config.output).replace_extension(".features.csv");
  if (config.ranks > 1 && source.extracts() && !file_exists(features)) {
    throw UsageError("several ranks need features that are there already", "--ranks",
                     "extract them first with `genrewise extract` and give the table, or train on a pack");
  }
  LoadedExamples loaded = source.load(features, progress);
  done.skipped = std::move(loaded.skipped);
  const Split split = split_of(config, loaded.examples.subjects);
  done.notes = split.notes;
  const std::vector<std::size_t> rows = rows_to_fit(split, config.on);
  const bool is_network = classifier->descriptor().capabilities.neural_program;
  const bool has_validation = is_network && config.on == TrainingParts::training;
  FitContext context = fit_context_of(config, progress);
  context.curve = &done.training;
  progress.begin("fitting", "fits", is_network ? 1 : 1 + confidence_folds(rows.size()));
  const Stopwatch fitting;
  done.model = fit_model(loaded.examples, rows, std::move(classifier), plan.preprocessing, context,
                         has_validation ? split.rows(Part::validation) : std::vector<std::size_t>{});
  done.fit_s = fitting.seconds();
  done.examples = rows.size();
  if (!done.written) return progress.finish();
  progress.advance();
  if (is_network) {
    const auto held_out = has_validation ? split.rows(Part::validation) : std::vector<std::size_t>{};
    const FeatureTable& table = loaded.examples.table;
    add_confidence(done.model, done.model.predict_probabilities(table.values.select_rows(held_out), table.offsets),
                   labels_of(loaded.examples.subjects, held_out));
  } else {
    add_confidence(
        done.model, loaded.examples, rows, [&] { return make(plan, config.seed); }, plan.preprocessing, config.seed,
        progress);
  }
  progress.finish();
  if (const nlohmann::json& stored = done.model.facts.at("confidence"); stored.contains("absent"))
    done.notes.push_back("the model stores no threshold of confidence: " + stored.at("absent").get<std::string>());
  const Stopwatch predicting;
  for (const Part part : {Part::validation, Part::test}) {
    const bool fitted = part == Part::validation && config.on != TrainingParts::training;
    if (fitted || split.rows(part).empty()) continue;
    done.parts[part] = evaluate(done.model, loaded.examples, split.rows(part), config.seed).metrics;
  }
  done.predict_s = predicting.seconds();
  record_facts(config, split, done);
}

std::size_t size_of(const PackManifest& manifest, Part part) {
  std::size_t size = 0;
  for (const PackedShard& shard : manifest.shards)
    for (const PackedRecord& record : shard.records) size += record.part == part ? 1 : 0;
  return size;
}

Model empty_model(const PackManifest& manifest) {
  if (manifest.recipe.name.empty())
    throw Error("these shards have no recipe, so a model trained on them could not be used", manifest.folder.string(),
                "pack the dataset with genrewise");
  const auto features = make_feature_set(manifest.recipe.name);
  require_same_data(manifest, features->recipe(), manifest.labels);
  Model model;
  model.labels = manifest.labels;
  model.recipe = manifest.recipe;
  model.columns = features->columns();
  return model;
}

/// Without a table in memory: the classifier reads the records batch by batch.
void train_on_records(const TrainJobConfig& config, const Plan& plan, const PackManifest& pack,
                      std::unique_ptr<Classifier> classifier, Progress& progress, TrainJobResult& done) {
  const GenreConfig& genres = plan.data.genres;
  if (!genres.merge.empty() || genres.min_groups > 0) {
    throw UsageError(
        fmt::format("{} is trained on the unmodified records of a pack, with all their genres", plan.spec.kind),
        genres.merge.empty() ? "--min-groups" : "--merge", "leave it out, or pack the dataset with these genres");
  }
  if (!plan.point.preprocessing.empty()) {
    throw UsageError(fmt::format("{} is trained on the unmodified records of a pack, so {} has no effect",
                                 plan.spec.kind, plan.point.preprocessing.begin()->first),
                     config.pca_components ? "--pca" : "--param", "leave it out, or train on a feature table");
  }
  const Split split = split_of(config, subjects_of(pack));
  done.notes = split.notes;
  std::vector<std::optional<Part>> parts(split.parts.begin(), split.parts.end());
  for (const std::size_t row : rows_to_fit(split, config.on)) parts[row] = Part::training;
  PackManifest with_parts = pack;
  assign_parts(with_parts, parts);
  done.model = empty_model(with_parts);
  done.examples = size_of(with_parts, Part::training);
  if (done.examples == 0) throw Error("the training part is empty", with_parts.folder.string());
  FitContext context = fit_context_of(config, progress);
  context.labels = with_parts.labels;
  context.curve = &done.training;
  const Stopwatch fitting;
  classifier->fit_batches(pack_batches(with_parts), context);
  done.fit_s = fitting.seconds();
  done.model.classifier = std::move(classifier);
  done.model.facts = {{"program_version", GENREWISE_VERSION},
                      {"dataset", with_parts.folder.filename().string()},
                      {"pack", with_parts.fingerprint}};
  if (!done.written) return;
  const Stopwatch predicting;
  for (const Part part : {Part::validation, Part::test}) {
    if (size_of(with_parts, part) == 0) continue;
    const auto batches = open_batches(with_parts, part, {.batch_size = kEvaluatedBatch}, false, 0);
    done.parts[part] = evaluate(done.model, *batches, config.seed);
  }
  done.predict_s = predicting.seconds();
  record_facts(config, split, done);
}

}  // namespace

std::string_view to_string(TrainingParts parts) {
  constexpr std::string_view kWords[] = {"training", "training+validation", "all"};
  return kWords[static_cast<std::size_t>(parts)];
}

TrainJobResult train_job(const TrainJobConfig& given, Runtime& runtime) {
  const UseRuntime use(runtime);
  Progress& progress = runtime.progress();
  TrainJobConfig config = given;
  const Plan plan = plan_of(config, progress);
  const ClassifierDescriptor& descriptor = classifier_descriptor(plan.spec.kind);
  if (descriptor.capabilities.neural_program) follow_launcher(config, progress);
  require_followed(config, descriptor);
  if (config.ranks > 1 && local_work_path(config.run_folder) != config.run_folder)
    throw UsageError("ranks need a run folder on a shared file system", "--run", "choose a local folder");
  auto classifier = make(plan, config.seed);
  const DataSource source(plan.data);
  if (config.on != TrainingParts::all) require_split(source, config.split);
  MirroredFolder mirror(config.run_folder);
  config.run_folder = mirror.path();
  TrainJobResult done;
  done.kind = plan.spec.kind;
  done.written = config.rank == 0;
  const bool batches = descriptor.capabilities.batches && source.kind() == "pack" && !source.pack().recipe.name.empty();
  if (batches) {
    train_on_records(config, plan, source.pack(), std::move(classifier), progress, done);
  } else {
    train_on_table(config, plan, source, std::move(classifier), progress, done);
  }
  mirror.synchronise();
  if (done.written) save_model(done.model, config.output);
  return done;
}

nlohmann::json to_json(const TrainJobResult& result, const std::filesystem::path& model_file) {
  nlohmann::json parts = nlohmann::json::object();
  for (const auto& [part, metrics] : result.parts) {
    parts[std::string(to_string(part))] = to_json(metrics, result.model.labels);
  }
  nlohmann::json document = {{"model", model_file.string()},
                             {"kind", result.kind},
                             {"parameters", result.model.classifier->parameters()},
                             {"examples", result.examples},
                             {"parts", std::move(parts)},
                             {"fit_s", result.fit_s},
                             {"predict_s", result.predict_s},
                             {"notes", result.notes}};
  if (!result.training.epochs.empty()) document["training"] = to_json(result.training);
  return document;
}

std::string command_line(const TrainJobConfig& config) {
  std::vector<std::string> words = {"genrewise", "train", config.data.location};
  if (!config.model.empty()) add_option(words, "--model", config.model);
  for (const std::string& text : config.parameters) add_option(words, "--param", text);
  add_options(words, config.data);
  add_options(words, config.split);
  if (config.on != TrainingParts::training) add_option(words, "--on", std::string(to_string(config.on)));
  if (config.pca_components) add_option(words, "--pca", std::to_string(*config.pca_components));
  if (!config.run_folder.empty()) add_option(words, "--run", config.run_folder.string());
  if (config.ranks > 1) {
    add_option(words, "--ranks", std::to_string(config.ranks));
    add_option(words, "--rank", std::to_string(config.rank));
    add_option(words, "--ranks-at", config.ranks_address);
  }
  if (config.seed != kDefaultSeed) add_option(words, "--seed", std::to_string(config.seed));
  add_option(words, "-o", config.output.string());
  return shell_line(words);
}

}  // namespace genrewise
