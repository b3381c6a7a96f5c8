#include "genrewise/study/study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <tuple>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/study/evaluation.hpp"

namespace genrewise {
namespace {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Examples ready for learners: those it learns from and those it is judged on, with what was done to both.
struct Stage {
  Preprocessor preprocessor;
  Matrix learn, judge;
  std::vector<int> learn_labels, judge_labels;
  std::vector<std::string> judge_groups;
  FitContext context;
};

std::vector<int> labels_of(const Examples& examples, const std::vector<std::size_t>& rows) {
  std::vector<int> labels;
  labels.reserve(rows.size());
  for (const std::size_t row : rows) labels.push_back(examples.subjects.labels[row]);
  return labels;
}

Stage make_stage(const Examples& examples, const PreprocessingConfig& config, const std::vector<std::size_t>& learn,
                 const std::vector<std::size_t>& judge) {
  Stage stage{Preprocessor(config),
              examples.table.values.select_rows(learn),
              examples.table.values.select_rows(judge),
              labels_of(examples, learn),
              labels_of(examples, judge),
              groups_of(examples.subjects, judge),
              fit_context(examples, learn)};
  stage.preprocessor.fit(stage.learn);
  stage.learn = stage.preprocessor.transform(std::move(stage.learn));
  stage.judge = stage.preprocessor.transform(std::move(stage.judge));
  return stage;
}

Predictions predict(const Classifier& classifier, const Matrix& examples) {
  return {classifier.predict(examples), classifier.predict_probabilities(examples)};
}

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
                 {"trained_on", row_prints(examples.table.values, rows)}};
  return model;
}

/// The two stages of every model, and the way through them.
class Comparison {
 public:
  Comparison(const Examples& examples, const Split& split, const StudyConfig& config)
      : examples_(examples), config_(config) {
    const auto training = split.rows(Part::training), validation = split.rows(Part::validation);
    require_parts(training, validation, split.rows(Part::test));
    judging_rows_ = training;
    judging_rows_.insert(judging_rows_.end(), validation.begin(), validation.end());
    std::ranges::sort(judging_rows_);
    training_rows_ = training;
    validation_rows_ = validation;
    test_rows_ = split.rows(Part::test);
    choosing_ = make_stage(examples, config.preprocessing, training, validation);
    judging_ = make_stage(examples, config.preprocessing, judging_rows_, test_rows_);
  }

  /// `model` is made where the result has no error.
  ModelResult run(const ModelSpec& spec, Model& model, Progress& progress) const {
    ModelResult result;
    result.name = spec.name, result.title = spec.title, result.kind = spec.kind;
    try {
      const PreprocessingConfig own = preprocessing_for(*make(spec, spec.parameters), config_.preprocessing);
      if (own == config_.preprocessing) {
        const Parameters chosen = choose(spec, choosing_, result, progress);
        fit_and_measure(make(spec, chosen), judging_, result, model);
      } else {
        const Parameters chosen =
            choose(spec, make_stage(examples_, own, training_rows_, validation_rows_), result, progress);
        fit_and_measure(make(spec, chosen), make_stage(examples_, own, judging_rows_, test_rows_), result, model);
      }
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      result.error = error.what();
    }
    return result;
  }

  ModelResult baseline() const {
    ModelResult result;
    result.name = result.kind = "majority";
    result.title = "Most frequent genre";
    const Metrics validation =
        measure(choosing_.judge_labels, majority(choosing_), choosing_.judge_groups, config_.seed);
    result.validation = validation.accuracy;
    result.validation_log_loss = validation.log_loss;
    Predictions said = majority(judging_);
    result.test = measure(judging_.judge_labels, said, judging_.judge_groups, config_.seed);
    result.test_labels = std::move(said.labels);
    return result;
  }

 private:
  void require_parts(const std::vector<std::size_t>& training, const std::vector<std::size_t>& validation,
                     const std::vector<std::size_t>& test) const {
    const auto require = [](const auto& rows, std::string_view part) {
      if (rows.empty()) {
        throw Error(fmt::format("the split has no {} part", part), "split",
                    "a study learns on training, chooses on validation and judges on test: use --scheme grouped or "
                    "random, or give every part some examples");
      }
    };
    require(training, "training");
    require(validation, "validation");
    require(test, "test");
    const std::vector<int> labels = labels_of(examples_, training);
    if (std::ranges::count(labels, labels.front()) == std::ssize(labels)) {
      throw Error(fmt::format("the training part holds one genre only (\"{}\")",
                              examples_.labels[static_cast<std::size_t>(labels.front())]),
                  examples_.name, "a comparison needs at least two");
    }
  }

  std::unique_ptr<Classifier> make(const ModelSpec& spec, const Parameters& parameters) const {
    return config_.make(spec.kind, parameters, derive_seed(config_.seed, spec.kind));
  }

  Parameters choose(const ModelSpec& spec, const Stage& stage, ModelResult& result, Progress& progress) const {
    const Stopwatch watch;
    Parameters best;
    for (const Parameters& point : grid_points(spec.parameters, spec.grid)) {
      throw_if_interrupted();
      const auto classifier = make(spec, point);
      classifier->set_fit_context(stage.context);
      classifier->fit(stage.learn, stage.learn_labels, label_count());
      const Metrics metrics = measure(stage.judge_labels, predict(*classifier, stage.judge), {}, config_.seed);
      if (result.tried.empty() || std::tuple(metrics.accuracy.value, -metrics.log_loss) >
                                      std::tuple(result.validation.value, -result.validation_log_loss)) {
        best = point;
        result.validation = metrics.accuracy;
        result.validation_log_loss = metrics.log_loss;
      }
      Parameters varied;
      for (const GridAxis& axis : spec.grid) varied[axis.parameter] = point.at(axis.parameter);
      result.tried.push_back({varied, metrics.accuracy.value, metrics.log_loss});
      progress.advance();
    }
    result.choose_s = watch.seconds();
    return best;
  }

  void fit_and_measure(std::unique_ptr<Classifier> classifier, const Stage& stage, ModelResult& result,
                       Model& model) const {
    const Stopwatch fitting;
    classifier->set_fit_context(stage.context);
    classifier->fit(stage.learn, stage.learn_labels, label_count());
    result.fit_s = fitting.seconds();
    const Stopwatch predicting;
    Predictions said = predict(*classifier, stage.judge);
    result.predict_s = predicting.seconds();
    result.test = measure(stage.judge_labels, said, stage.judge_groups, config_.seed);
    result.test_labels = std::move(said.labels);
    result.parameters = classifier->parameters();
    model = assemble(examples_, judging_rows_, stage.preprocessor, std::move(classifier));
    model.facts["seed"] = config_.seed;
    model.facts["test"] = {{"accuracy", result.test.accuracy.value}, {"examples", result.test.accuracy.n}};
  }

  Predictions majority(const Stage& stage) const {
    std::vector<float> shares(examples_.labels.size());
    for (const int label : stage.learn_labels) {
      shares[static_cast<std::size_t>(label)] += 1.0F / static_cast<float>(stage.learn_labels.size());
    }
    Predictions said{std::vector<int>(stage.judge_labels.size(),
                                      static_cast<int>(std::ranges::max_element(shares) - shares.begin())),
                     Matrix(stage.judge_labels.size(), shares.size())};
    for (std::size_t i = 0; i < stage.judge_labels.size(); ++i) {
      std::ranges::copy(shares, said.probabilities.row(i).begin());
    }
    return said;
  }

  int label_count() const { return static_cast<int>(examples_.labels.size()); }

  const Examples& examples_;
  const StudyConfig& config_;
  std::vector<std::size_t> training_rows_, validation_rows_, test_rows_;
  std::vector<std::size_t> judging_rows_;  // training and validation
  Stage choosing_, judging_;
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

}  // namespace

std::vector<Parameters> grid_points(const Parameters& fixed, const std::vector<GridAxis>& axes) {
  std::vector<Parameters> points{fixed};
  for (const GridAxis& axis : axes) {
    std::vector<Parameters> longer;
    for (const Parameters& point : points) {
      for (const std::string& value : axis.values) {
        longer.push_back(point);
        longer.back()[axis.parameter] = value;
      }
    }
    points = std::move(longer);
  }
  return points;
}

std::vector<std::string> groups_of(const SplitSubjects& subjects, const std::vector<std::size_t>& rows) {
  std::vector<std::string> groups;
  groups.reserve(rows.size());
  for (const std::size_t row : rows) {
    groups.push_back(!subjects.artists[row].empty()  ? "artist " + subjects.artists[row]
                     : !subjects.albums[row].empty() ? "album " + subjects.albums[row]
                                                     : "track " + subjects.tracks[row]);
  }
  return groups;
}

FitContext fit_context(const Examples& examples, const std::vector<std::size_t>& rows) {
  FitContext context;
  context.groups = groups_of(examples.subjects, rows);
  context.labels = examples.labels;
  return context;
}

PreprocessingConfig preprocessing_for(const Classifier& classifier, PreprocessingConfig config) {
  if (classifier.wants_plain_features()) config.standardise = false;
  return config;
}

Model fit_model(const Examples& examples, const std::vector<std::size_t>& rows, std::unique_ptr<Classifier> classifier,
                const PreprocessingConfig& preprocessing, const FitContext& place) {
  Stage stage = make_stage(examples, preprocessing_for(*classifier, preprocessing), rows, {});
  stage.context.progress = place.progress;
  stage.context.run_folder = place.run_folder;
  stage.context.ranks_address = place.ranks_address;
  stage.context.rank = place.rank;
  stage.context.ranks = place.ranks;
  classifier->set_fit_context(stage.context);
  classifier->fit(stage.learn, stage.learn_labels, static_cast<int>(examples.labels.size()));
  return assemble(examples, rows, std::move(stage.preprocessor), std::move(classifier));
}

StudyResult run_study(const Examples& examples, const Split& split, const StudyConfig& config, Progress& progress,
                      const StudyStore& store) {
  const Comparison comparison(examples, split, config);
  StudyResult result;
  result.baseline = comparison.baseline();
  std::size_t total = 0;
  for (const ModelSpec& spec : config.models) total += grid_points(spec.parameters, spec.grid).size() + 1;
  progress.begin("fitting", "fits", total);
  for (const ModelSpec& spec : config.models) {
    throw_if_interrupted();
    if (auto kept = store.find ? store.find(spec) : std::nullopt) {
      progress.advance(grid_points(spec.parameters, spec.grid).size() + 1);
      result.models.push_back(std::move(*kept));
      continue;
    }
    Model model;
    result.models.push_back(comparison.run(spec, model, progress));
    progress.advance();
    if (result.models.back().error.empty() && store.keep) store.keep(spec, result.models.back(), model);
  }
  progress.finish();
  result.best = best_of(result.models);
  return result;
}

}  // namespace genrewise
