#include "genrewise/study/study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/evaluation/evaluation.hpp"
#include "genrewise/study/held_out.hpp"
#include "genrewise/study/stage.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kSharedBytes = std::size_t{1} << 30;  // cache of kernel matrices and the like, per stage
constexpr std::size_t kLargeTable = std::size_t{1} << 30;   // bytes: above, only one stage is in memory at a time

Model assemble(const Examples& examples, const std::vector<std::size_t>& rows, Preprocessor preprocessor,
               std::unique_ptr<Classifier> classifier) {
  Model model;
  model.labels = examples.labels;
  model.recipe = examples.table.recipe;
  model.columns = examples.table.columns;
  model.preprocessor = std::move(preprocessor);
  model.classifier = std::move(classifier);
  model.facts = {{"program_version", GENREWISE_VERSION},
                 {"dataset", examples.name},
                 {"trained_on", row_fingerprints(examples.table, rows)}};
  return model;
}

/// A stage on the heap: classifiers that share work identify its tables by their address.
struct Prepared {
  Stage stage;
  std::shared_ptr<SharedWork> work;
};

/// Run folders of the networks of a study: NETWORKS/<model>/point-1, point-2, ... for the points of its grid, fitted on
/// training; final for the fit on training and validation; embeddings.safetensors by a frozen body, for all of them.
class NetworkRuns {
 public:
  /// `networks`: StudyStore::networks. Nothing is stored for an empty path and for other classifiers than networks.
  NetworkRuns(const ModelSpec& spec, const std::filesystem::path& networks) {
    const ClassifierDescriptor* descriptor = find_classifier(spec.kind);
    is_network_ = descriptor != nullptr && descriptor->capabilities.neural_program;
    if (is_network_ && !networks.empty()) folder_ = networks / file_name_of(spec.name);
  }

  bool is_network() const { return is_network_; }

  /// Sets the run folder: of a point of the grid, from 0, or of the final fit. Runs of another configuration or data in
  /// them are replaced.
  void set_point(FitContext& context, std::size_t point) const { set(context, name_of(point)); }
  void set_final(FitContext& context) const { set(context, "final"); }

  /// "networks/MODEL/point-1"; empty if nothing is stored.
  std::string folder_of_point(std::size_t point) const {
    if (folder_.empty()) return {};
    return (folder_.parent_path().filename() / folder_.filename() / name_of(point)).generic_string();
  }

  /// Whether the error is of the run folders, as on a full disk, and not of the model.
  bool caused(const Error& error) const { return !folder_.empty() && error.where().starts_with(folder_.string()); }

  /// Removes what only an unfinished model needs: checkpoints and embeddings. Curves and events stay.
  void remove_checkpoints() const {
    if (folder_.empty()) return;
    std::error_code ignored;  // they only take space
    std::vector<std::filesystem::path> files = entries_of(folder_, ignored);
    for (const auto& run : std::vector(files)) std::ranges::move(entries_of(run, ignored), std::back_inserter(files));
    for (const auto& file : files) {
      if (file.extension() == ".safetensors") std::filesystem::remove(file, ignored);
    }
  }

 private:
  static std::string name_of(std::size_t point) { return fmt::format("point-{}", point + 1); }

  void set(FitContext& context, const std::string& name) const {
    context.epoch_notes = false;
    if (folder_.empty()) return;
    context.run_folder = folder_ / name;
    context.embeddings_folder = folder_;
    context.replace_run = true;
  }

  bool is_network_ = false;
  std::filesystem::path folder_;
};

/// What became of one point of the grid.
struct Trial {
  std::optional<Metrics> metrics;
  Matrix probabilities;  // of the validation part
  std::string error;
  TrainingCurve curve;
};

/// Runs the models of one table.
class Comparison {
 public:
  Comparison(const Examples& examples, const Split& split, const StudyConfig& config)
      : examples_(examples),
        config_(config),
        training_(split.rows(Part::training)),
        validation_(split.rows(Part::validation)),
        test_(split.rows(Part::test)),
        both_(split.rows_except(Part::test)) {
    require(training_, "training");
    require(validation_, "validation");
    require(test_, "test");
    require_two_genres(examples, training_, "the training part");
    require_finite_examples(examples);
  }

  /// Sets `model` if the result has no error.
  ModelResult run(const ModelSpec& spec, const NetworkRuns& runs, Model& model, Progress& progress) {
    ModelResult result;
    const PeakMemory memory;
    base_ = preprocessing_for(spec.kind, config_.preprocessing);
    result.name = spec.name, result.title = spec.title, result.kind = spec.kind;
    result.features = spec.features.empty() ? examples_.table.recipe.name : spec.features;
    result.columns = examples_.table.columns.size();
    try {
      const Parameters chosen = choose(spec, runs, result, progress);
      fit_and_measure(spec, runs, chosen, result, model, progress);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      if (runs.caused(error)) throw;
      result.error = error.what();
    }
    result.peak_memory_bytes = memory.bytes();
    return result;
  }

  ModelResult baseline() const {
    ModelResult result;
    result.name = result.kind = "majority";
    result.title = "Most frequent genre";
    const Metrics validation =
        measure(labels_of(examples_.subjects, validation_), majority(training_, validation_), {}, config_.seed);
    result.validation = validation.accuracy;
    result.validation_log_loss = validation.log_loss;
    Predictions predictions = majority(both_, test_);
    result.test =
        measure(labels_of(examples_.subjects, test_), predictions, groups_of(examples_.subjects, test_), config_.seed);
    result.test_labels = std::move(predictions.labels);
    result.test_probabilities = std::move(predictions.probabilities);
    return result;
  }

 private:
  static void require(const std::vector<std::size_t>& rows, std::string_view part) {
    if (!rows.empty()) return;
    throw Error(fmt::format("the split has no {} part", part), "split",
                "a study needs a training, a validation and a test part: use --scheme grouped or random, or add "
                "examples to the part");
  }

  std::unique_ptr<Classifier> make(const ModelSpec& spec, const Parameters& parameters) const {
    return config_.make(spec.kind, Point(parameters).classifier, derive_seed(config_.seed, spec.kind));
  }

  /// Keeps the last stage of each use for the next model; of a large table only one.
  Prepared& prepare(std::unique_ptr<Prepared>& kept, std::unique_ptr<Prepared>& other,
                    const PreprocessingConfig& preprocessing, const std::vector<std::size_t>& training,
                    const std::vector<std::size_t>& held_out) {
    if (kept && kept->stage.preprocessor.config() == preprocessing) return *kept;
    kept.reset();
    if (examples_.table.values.values().size_bytes() > kLargeTable) other.reset();
    kept =
        std::make_unique<Prepared>(Prepared{make_stage(examples_, "all", preprocessing, training, held_out), nullptr});
    kept->work = work_on(kept->stage, kSharedBytes);
    return *kept;
  }

  Parameters choose(const ModelSpec& spec, const NetworkRuns& runs, ModelResult& result, Progress& progress) {
    const Stopwatch watch;
    const std::vector<Parameters> points = grid_points(spec.parameters, spec.grid);
    std::map<Parameters, std::vector<std::size_t>> by_preprocessing;
    for (std::size_t i = 0; i < points.size(); ++i) by_preprocessing[Point(points[i]).preprocessing].push_back(i);
    std::vector<Trial> trials(points.size());
    for (const auto& [preprocessing, group] : by_preprocessing) try_points(spec, runs, points, group, trials, progress);
    const Parameters* best = nullptr;
    for (std::size_t i = 0; i < points.size(); ++i) {
      auto& [metrics, probabilities, error, curve] = trials[i];
      result.tried.push_back({varied(points[i], spec.grid), 0, 0, error});
      if (!metrics) continue;
      const Score& accuracy = metrics->accuracy;
      result.tried.back().accuracy = accuracy.value;
      result.tried.back().log_loss = metrics->log_loss;
      if (best == nullptr || std::tuple(accuracy.value, -metrics->log_loss) >
                                 std::tuple(result.validation.value, -result.validation_log_loss)) {
        best = &points[i];
        result.validation = accuracy;
        result.validation_log_loss = metrics->log_loss;
        result.training = curve;
        validation_probabilities_ = std::move(probabilities);
        result.training_folder = curve.epochs.empty() ? "" : runs.folder_of_point(i);
      }
    }
    if (best == nullptr) throw Error(trials.front().error);
    result.choose_s = watch.seconds();
    return *best;
  }

  /// Tries all points with the same preprocessing, sharing their common work.
  void try_points(const ModelSpec& spec, const NetworkRuns& runs, const std::vector<Parameters>& points,
                  const std::vector<std::size_t>& group, std::vector<Trial>& trials, Progress& progress) {
    Prepared* prepared = nullptr;
    try {
      prepared = &prepare(validating_, testing_, preprocessing_of(Point(points[group.front()]), base_), training_,
                          validation_);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {  // for example more components than the data has
      for (const std::size_t i : group) trials[i].error = error.what();
      progress.advance(group.size());
      return;
    }
    const Stage& stage = prepared->stage;
    std::vector<std::unique_ptr<Classifier>> classifiers;
    for (const std::size_t i : group) {
      classifiers.push_back(make(spec, points[i]));
      classifiers.back()->announce(*prepared->work);
    }
    FitContext context{.labels = examples_.labels};
    context.work = prepared->work;
    const TrainingData validation{stage.held_out, stage.held_out_labels, static_cast<int>(examples_.labels.size())};
    context.validation = &validation;
    for (std::size_t at = 0; at < group.size(); ++at) {
      throw_if_interrupted();
      const auto classifier = std::move(classifiers[at]);
      Trial& trial = trials[group[at]];
      PartProgress part(progress, points.size() == 1
                                      ? spec.name
                                      : fmt::format("{}, {} of {}", spec.name, group[at] + 1, points.size()));
      if (runs.is_network()) context.progress = &part;
      context.curve = &trial.curve;
      runs.set_point(context, group[at]);
      try {
        classifier->fit(training_data(stage, examples_), context);
        Predictions predictions = classifier->predict_with_probabilities(stage.held_out);
        trial.metrics = measure(stage.held_out_labels, predictions, {}, config_.seed);
        trial.probabilities = std::move(predictions.probabilities);
      } catch (const Interrupted&) {
        throw;
      } catch (const Error& error) {
        if (runs.caused(error)) throw;
        trial.error = error.what();
      }
      part.finish();
      progress.advance();
    }
  }

  void fit_and_measure(const ModelSpec& spec, const NetworkRuns& runs, const Parameters& chosen, ModelResult& result,
                       Model& model, Progress& progress) {
    const Point point(chosen);
    Prepared& prepared = prepare(testing_, validating_, preprocessing_of(point, base_), both_, test_);
    const Stage& stage = prepared.stage;
    auto classifier = make(spec, chosen);
    FitContext context{.labels = examples_.labels, .follow = &result.training};
    PartProgress part(progress, spec.name + ", final fit");
    if (runs.is_network()) context.progress = &part;
    runs.set_final(context);
    const Stopwatch fitting;
    classifier->fit(training_data(stage, examples_), context);
    result.fit_s = fitting.seconds();
    const Stopwatch predicting;
    Predictions predictions = classifier->predict_with_probabilities(stage.held_out);
    result.predict_s = predicting.seconds();
    model = assemble(examples_, both_, stage.preprocessor, std::move(classifier));
    progress.advance();
    if (config_.confidence) {
      add_confidence(spec, runs, chosen, result, model, progress);
      model.confidence.calibrate(predictions.probabilities);
    }
    result.test = measure(stage.held_out_labels, predictions, groups_of(examples_.subjects, test_), config_.seed);
    result.test_labels = std::move(predictions.labels);
    result.test_probabilities = std::move(predictions.probabilities);
    result.explained_variance = stage.preprocessor.explained_variance_ratio();
    result.parameters = model.classifier->parameters();
    result.parameters.insert(point.preprocessing.begin(), point.preprocessing.end());
    model.facts["seed"] = config_.seed;
    model.facts["test"] = {{"accuracy", result.test.accuracy.value}, {"examples", result.test.accuracy.n}};
  }

  void add_confidence(const ModelSpec& spec, const NetworkRuns& runs, const Parameters& chosen, ModelResult& result,
                      Model& model, Progress& progress) {
    if (runs.is_network()) {
      genrewise::add_confidence(model, std::move(validation_probabilities_),
                                labels_of(examples_.subjects, validation_));
    } else {
      genrewise::add_confidence(
          model, examples_, both_, [&] { return make(spec, chosen); }, preprocessing_of(Point(chosen), base_),
          config_.seed, progress);
    }
    result.confidence = model.facts.at("confidence");
  }

  Predictions majority(const std::vector<std::size_t>& training, const std::vector<std::size_t>& held_out) const {
    std::vector<float> shares(examples_.labels.size());
    for (const int label : labels_of(examples_.subjects, training)) {
      shares[static_cast<std::size_t>(label)] += 1.0F / static_cast<float>(training.size());
    }
    Predictions predictions{
        std::vector<int>(held_out.size(), static_cast<int>(std::ranges::max_element(shares) - shares.begin())),
        Matrix(held_out.size(), shares.size())};
    for (std::size_t i = 0; i < held_out.size(); ++i)
      std::ranges::copy(shares, predictions.probabilities.row(i).begin());
    return predictions;
  }

  const Examples& examples_;
  const StudyConfig& config_;
  std::vector<std::size_t> training_, validation_, test_, both_;  // both_: training and validation
  PreprocessingConfig base_;                                      // of the current model
  Matrix validation_probabilities_;                               // of its chosen point
  std::unique_ptr<Prepared> validating_, testing_;
};

std::optional<std::size_t> best_of(const std::vector<ModelResult>& models) {
  std::optional<std::size_t> best;
  const auto merit = [&](std::size_t i) {
    return std::tuple(models[i].validation.value, -models[i].validation_log_loss);
  };
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (models[i].error.empty() && (!best || merit(i) > merit(*best))) best = i;
  }
  return best;
}

/// Runs the models that use this table and sets their entries of `results`.
void run_models_of(const std::string& features, const Examples& examples, const Split& split, const StudyConfig& config,
                   Progress& progress, const StudyStore& store, std::vector<ModelResult>& results) {
  Comparison comparison(examples, split, config);
  for (std::size_t i = 0; i < config.models.size(); ++i) {
    const ModelSpec& spec = config.models[i];
    if (spec.features != features) continue;
    throw_if_interrupted();
    const NetworkRuns runs(spec, store.networks);
    if (auto kept = store.find ? store.find(spec) : std::nullopt) {
      runs.remove_checkpoints();  // of a run that was killed before it did
      results[i] = std::move(*kept);
      continue;
    }
    Model model;
    const std::size_t folds = config.confidence ? confidence_folds(split.rows_except(Part::test).size()) : 0;
    progress.begin("fitting " + spec.name, "fits",
                   grid_points(spec.parameters, spec.grid).size() + 1 + (runs.is_network() ? 0 : folds));
    results[i] = comparison.run(spec, runs, model, progress);
    progress.finish();
    if (!results[i].error.empty() || !store.keep) continue;
    store.keep(spec, results[i], model);
    runs.remove_checkpoints();
  }
}

}  // namespace

PreprocessingConfig preprocessing_for(std::string_view kind, PreprocessingConfig config) {
  const ClassifierDescriptor* descriptor = find_classifier(kind);
  if (descriptor != nullptr && descriptor->capabilities.plain_features) config.standardise = false;
  return config;
}

Model fit_model(const Examples& examples, const std::vector<std::size_t>& rows, std::unique_ptr<Classifier> classifier,
                const PreprocessingConfig& preprocessing, const FitContext& context,
                const std::vector<std::size_t>& validation) {
  Stage stage = make_stage(examples, "all", preprocessing_for(classifier->kind(), preprocessing), rows, validation);
  const TrainingData held_out{stage.held_out, stage.held_out_labels, static_cast<int>(examples.labels.size())};
  FitContext fit_context = context;
  fit_context.labels = examples.labels;
  if (!validation.empty()) fit_context.validation = &held_out;
  classifier->fit(training_data(stage, examples), fit_context);
  return assemble(examples, rows, std::move(stage.preprocessor), std::move(classifier));
}

StudyResult run_study(const Examples& examples, const Split& split, const StudyConfig& config, Progress& progress,
                      const StoreSource& store_of, const TableSource& table_of) {
  StudyResult result;
  result.baseline = Comparison(examples, split, config).baseline();
  std::vector<std::string> tables;  // in order of first use
  for (const ModelSpec& spec : config.models)
    if (std::ranges::find(tables, spec.features) == tables.end()) tables.push_back(spec.features);
  result.models.resize(config.models.size());
  for (const std::string& features : tables) {
    Examples other;
    if (!features.empty() && features != examples.table.recipe.name) {
      other = {examples.name, examples.labels, table_of(features), examples.subjects};
    }
    const Examples& table = other.labels.empty() ? examples : other;
    run_models_of(features, table, split, config, progress, store_of(table), result.models);
  }
  result.best = best_of(result.models);
  return result;
}

StudyResult run_study(const Examples& examples, const Split& split, const StudyConfig& config, Progress& progress,
                      const StudyStore& store) {
  return run_study(
      examples, split, config, progress, [&](const Examples&) { return store; },
      [&](const std::string& features) -> FeatureTable {
        throw Error(fmt::format("there is no table of the features {}", features), examples.name);
      });
}

}  // namespace genrewise
