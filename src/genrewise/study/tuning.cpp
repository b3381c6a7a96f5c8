#include "genrewise/study/tuning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <mutex>
#include <numeric>
#include <set>
#include <tuple>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/study/selection.hpp"

namespace genrewise {
namespace {

constexpr std::string_view kPreprocessingNames[] = {"pca_components", "standardise", "features"};
constexpr std::string_view kSimplerWhenSmaller[] = {"C",      "hidden_layer_sizes", "n_estimators", "max_depth",
                                                    "degree", "pca_components"};
constexpr std::string_view kSimplerWhenLarger[] = {"n_neighbors", "var_smoothing", "alpha"};

bool is_among(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A point's parameters, parted into what is done to the features and what the learner is told.
struct ParsedPoint {
  Parameters preprocessing, learner;
  explicit ParsedPoint(const Parameters& all) {
    for (const auto& [name, value] : all) {
      (is_among(name, kPreprocessingNames) ? preprocessing : learner)[name] = value;
    }
  }
};

std::string value_or(const Parameters& parameters, std::string_view name, std::string fallback) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::move(fallback) : found->second;
}

PreprocessingConfig preprocessing_config(const Parameters& parameters, std::uint64_t seed) {
  PreprocessingConfig config;
  config.seed = seed;
  const std::string standardise = value_or(parameters, "standardise", "true");
  if (standardise != "true" && standardise != "false") {
    throw Error(fmt::format("standardise cannot be \"{}\"", standardise), {}, "use true or false");
  }
  config.standardise = standardise == "true";
  long long components = 0;
  if (const std::string text = value_or(parameters, "pca_components", "0");
      !parse_number(text, components) || components < 0) {
    throw Error(fmt::format("pca_components cannot be \"{}\"", text), {}, "use 0 (none) or a number of components");
  }
  config.pca_components = static_cast<std::size_t>(components);
  return config;
}

/// One fold after one preprocessing.
struct Fold {
  Matrix learn, judge;
  std::vector<int> learn_labels, judge_labels;
};

Fold make_fold(const Examples& examples, const std::vector<int>& folds, int fold, const PreprocessingConfig& config) {
  std::vector<std::size_t> learn, judge;
  Fold made;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    (folds[i] == fold ? judge : learn).push_back(i);
    (folds[i] == fold ? made.judge_labels : made.learn_labels).push_back(examples.subjects.labels[i]);
  }
  Preprocessor preprocessor(config);
  made.learn = examples.table.values.select_rows(learn);
  preprocessor.fit(made.learn);
  made.learn = preprocessor.transform(std::move(made.learn));
  made.judge = preprocessor.transform(examples.table.values.select_rows(judge));
  return made;
}

/// What one fold says of one point.
struct FoldScore {
  double accuracy = 0, log_loss = 0, fit_s = 0, predict_s = 0;
  std::string error;
};

FoldScore score(Classifier& classifier, const Fold& fold, int label_count, std::uint64_t seed) {
  FoldScore result;
  const auto fitting = std::chrono::steady_clock::now();
  classifier.fit(fold.learn, fold.learn_labels, label_count);
  result.fit_s = seconds_since(fitting);
  const auto predicting = std::chrono::steady_clock::now();
  const Predictions said{classifier.predict(fold.judge), classifier.predict_probabilities(fold.judge)};
  result.predict_s = seconds_since(predicting);
  const Metrics metrics = measure(fold.judge_labels, said, {}, seed);
  result.accuracy = metrics.accuracy.value;
  result.log_loss = metrics.log_loss;
  return result;
}

TuningPoint summarise(const Parameters& parameters, std::span<const FoldScore> scores) {
  TuningPoint point;
  point.parameters = parameters;
  const double n = static_cast<double>(scores.size());
  for (const FoldScore& score : scores) {
    if (!score.error.empty()) point.error = score.error;
    point.fold_accuracy.push_back(score.accuracy);
    point.fold_log_loss.push_back(score.log_loss);
    point.accuracy += score.accuracy / n;
    point.log_loss += score.log_loss / n;
    point.fit_s += score.fit_s / n;
    point.predict_s += score.predict_s / n;
  }
  double squares = 0;
  for (const double accuracy : point.fold_accuracy) squares += std::pow(accuracy - point.accuracy, 2);
  point.standard_error = std::sqrt(squares / (n - 1) / n);
  return point;
}

class Search {
 public:
  Search(const Examples& examples, const TuningConfig& config, const TuningStore& store)
      : examples_(examples),
        config_(config),
        store_(store),
        folds_(make_folds(examples.subjects, config.scheme, config.folds, derive_seed(config.seed, "tuning folds"))) {}

  std::vector<TuningPoint> run(const std::vector<Parameters>& points, Progress& progress) {
    std::vector<std::optional<TuningPoint>> done(points.size());
    std::map<Parameters, std::vector<std::size_t>> by_preprocessing;
    std::size_t reused = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (store_.find) done[i] = store_.find(points[i]);
      if (done[i]) {
        ++reused;
      } else {
        by_preprocessing[ParsedPoint(points[i]).preprocessing].push_back(i);
      }
    }
    const auto folds = static_cast<std::size_t>(config_.folds);
    progress.begin("tuning", "fits", points.size() * folds, reused * folds);
    for (const auto& [preprocessing, wanted] : by_preprocessing) {
      run_group(preprocessing, wanted, points, done, progress);
    }
    progress.finish();
    std::vector<TuningPoint> all;
    for (auto& point : done) all.push_back(std::move(*point));
    return all;
  }

 private:
  /// All points that share one preprocessing.
  void run_group(const Parameters& preprocessing, const std::vector<std::size_t>& wanted,
                 const std::vector<Parameters>& points, std::vector<std::optional<TuningPoint>>& done,
                 Progress& progress) {
    const auto fold_count = static_cast<std::size_t>(config_.folds);
    const Examples selected = select_features(examples_, value_or(preprocessing, "features", "all"));
    const PreprocessingConfig prepare = preprocessing_config(preprocessing, config_.seed);
    std::vector<Fold> folds(fold_count);
    parallel_for(fold_count,
                 [&](std::size_t f, int) { folds[f] = make_fold(selected, folds_, static_cast<int>(f), prepare); });
    std::vector<std::vector<FoldScore>> scores(wanted.size(), std::vector<FoldScore>(fold_count));
    std::vector<std::size_t> missing(wanted.size(), fold_count);
    std::mutex mutex;
    parallel_for(wanted.size() * fold_count, [&](std::size_t task, int) {
      const std::size_t which = task / fold_count, f = task % fold_count;
      const Parameters& parameters = points[wanted[which]];
      FoldScore& result = scores[which][f];
      try {
        const auto classifier = config_.make(config_.kind, ParsedPoint(parameters).learner,
                                             derive_seed(config_.seed, fmt::format("fold {}", f)));
        result = score(*classifier, folds[f], static_cast<int>(examples_.labels.size()), config_.seed);
      } catch (const Interrupted&) {
        throw;
      } catch (const Error& error) {
        result.error = error.what();
      }
      progress.advance();
      const std::lock_guard lock(mutex);
      if (--missing[which] > 0) return;
      done[wanted[which]] = summarise(parameters, scores[which]);
      if (store_.keep) store_.keep(*done[wanted[which]]);
    });
  }

  const Examples& examples_;
  const TuningConfig& config_;
  const TuningStore& store_;
  std::vector<int> folds_;
};

/// For each axis the values in the order of growing complexity -> how complex this point is, summed over the axes.
double complexity(const TuningPoint& point, const std::vector<GridAxis>& axes) {
  double sum = 0;
  for (const GridAxis& axis : axes) {
    std::vector<std::string> values = axis.values;
    const auto number = [](const std::string& text) {
      double value = 0;
      return parse_number(text, value) ? value : 0.0;
    };
    if (is_among(axis.parameter, kSimplerWhenSmaller)) std::ranges::stable_sort(values, std::less<>(), number);
    if (is_among(axis.parameter, kSimplerWhenLarger)) std::ranges::stable_sort(values, std::greater<>(), number);
    const auto found = std::ranges::find(values, point.parameters.at(axis.parameter));
    sum += static_cast<double>(found - values.begin()) / static_cast<double>(values.size());
  }
  return sum;
}

void choose(TuningResult& result, const std::vector<GridAxis>& axes) {
  std::optional<std::size_t> best;
  const auto merit = [&](std::size_t i) { return std::tuple(result.points[i].accuracy, -result.points[i].log_loss); };
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    if (result.points[i].error.empty() && (!best || merit(i) > merit(*best))) best = i;
  }
  if (!best) throw Error("no point of the grid could be fitted: " + result.points.front().error);
  result.best = result.one_standard_error = *best;
  const double enough = result.points[*best].accuracy - result.points[*best].standard_error;
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    const TuningPoint& point = result.points[i];
    if (point.error.empty() && point.accuracy >= enough &&
        complexity(point, axes) < complexity(result.points[result.one_standard_error], axes)) {
      result.one_standard_error = i;
    }
  }
}

void require_sound(const TuningConfig& config) {
  std::set<std::string> seen;
  for (const GridAxis& axis : config.axes) {
    if (axis.values.empty()) throw Error(fmt::format("{} has no value to try", axis.parameter), "--grid");
    if (!seen.insert(axis.parameter).second || config.fixed.contains(axis.parameter)) {
      throw Error(fmt::format("{} is given twice", axis.parameter), "--grid");
    }
  }
  if (config.folds < 2) throw Error("there must be at least 2 folds", "--folds");
}

}  // namespace

TuningResult tune(const Examples& examples, const TuningConfig& config, Progress& progress, const TuningStore& store) {
  require_sound(config);
  std::vector<Parameters> points = grid_points(config.fixed, config.axes);
  if (config.random_points > 0 && config.random_points < points.size()) {
    std::vector<std::size_t> order(points.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    Rng rng(derive_seed(config.seed, "random search"));
    rng.shuffle(std::span(order));
    order.resize(config.random_points);
    std::ranges::sort(order);
    std::vector<Parameters> drawn;
    for (const std::size_t i : order) drawn.push_back(points[i]);
    points = std::move(drawn);
  }
  TuningResult result;
  result.points = Search(examples, config, store).run(points, progress);
  choose(result, config.axes);
  return result;
}

nlohmann::json to_json(const TuningPoint& point) {
  nlohmann::json document = {{"parameters", point.parameters},
                             {"accuracy", point.accuracy},
                             {"standard_error", point.standard_error},
                             {"log_loss", point.log_loss},
                             {"fold_accuracy", point.fold_accuracy},
                             {"fold_log_loss", point.fold_log_loss},
                             {"fit_s", point.fit_s},
                             {"predict_s", point.predict_s}};
  if (!point.error.empty()) document["error"] = point.error;
  return document;
}

TuningPoint tuning_point_from_json(const nlohmann::json& document) {
  TuningPoint point;
  point.parameters = document.at("parameters").get<Parameters>();
  point.accuracy = document.at("accuracy");
  point.standard_error = document.at("standard_error");
  point.log_loss = document.at("log_loss");
  point.fold_accuracy = document.at("fold_accuracy").get<std::vector<double>>();
  point.fold_log_loss = document.at("fold_log_loss").get<std::vector<double>>();
  point.fit_s = document.at("fit_s");
  point.predict_s = document.at("predict_s");
  point.error = document.value("error", "");
  return point;
}

}  // namespace genrewise
