#include "genrewise/study/tuning.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <tuple>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/data_source/selection.hpp"
#include "genrewise/study/ablation.hpp"
#include "genrewise/study/stage.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kSharedBytes = std::size_t{2} << 30;  // for all folds that run concurrently
constexpr std::size_t kLargeTable = std::size_t{1} << 30;   // bytes: above, folds run one after another
constexpr std::size_t kCheapComponents = 1024;              // up to this many are computed to draw the whole curve

/// All points with the same preprocessing, on one fold.
struct Bundle {
  int fold = 0;
  std::vector<std::size_t> points;
};

/// The fits of a valid search: every point on every fold.
class Search {
 public:
  Search(const Examples& examples, const TuningConfig& config, const std::vector<Parameters>& points,
         Progress& progress, const TuningStore& store)
      : examples_(examples),
        config_(config),
        points_(points),
        progress_(progress),
        store_(store),
        folds_(make_folds(examples.subjects, config.scheme, config.folds, derive_seed(config.seed, "tuning folds"))),
        scores_(points.size(), std::vector<FoldScore>(static_cast<std::size_t>(config.folds))) {}

  /// scores[point][fold]: those of the store, and new ones, which it stores.
  std::vector<std::vector<FoldScore>> run() {
    const std::vector<Bundle> bundles = plan();
    const auto threads = static_cast<std::size_t>(is_large() ? 1 : thread_budget());
    // As many bundles at a time as there are threads; the remaining ones run one by one, each with all threads.
    const std::size_t side_by_side = threads == 1 ? 0 : bundles.size() / threads * threads;
    parallel_for(side_by_side, [&](std::size_t i, int) { run_bundle(bundles[i], kSharedBytes / threads); });
    for (std::size_t i = side_by_side; i < bundles.size(); ++i) run_bundle(bundles[i], kSharedBytes);
    progress_.finish();
    return std::move(scores_);
  }

 private:
  /// The fits to do, without those in the store.
  std::vector<Bundle> plan() {
    std::map<Parameters, std::vector<std::size_t>> by_preprocessing;
    for (std::size_t i = 0; i < points_.size(); ++i) by_preprocessing[point_of(i).preprocessing].push_back(i);
    std::vector<Bundle> bundles;
    std::size_t reused = 0;
    for (const auto& [preprocessing, points] : by_preprocessing) {
      for (int fold = 0; fold < config_.folds; ++fold) {
        Bundle bundle{fold, {}};
        for (const std::size_t point : points) {
          if (auto kept = store_.find ? store_.find(points_[point], fold) : std::nullopt) {
            scores_[point][static_cast<std::size_t>(fold)] = std::move(*kept);
            ++reused;
          } else {
            bundle.points.push_back(point);
          }
        }
        if (!bundle.points.empty()) bundles.push_back(std::move(bundle));
      }
    }
    progress_.begin("tuning", "fits", points_.size() * static_cast<std::size_t>(config_.folds), reused);
    return bundles;
  }

  Point point_of(std::size_t point) const { return Point(points_[point]); }

  Stage stage_of(const Bundle& bundle) const {
    std::vector<std::size_t> rows(folds_.size());
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    const auto training = rows_of_fold(rows, folds_, bundle.fold, false);
    const auto held_out = rows_of_fold(rows, folds_, bundle.fold, true);
    PreprocessingConfig base;
    base.seed = config_.seed;
    base = preprocessing_for(config_.kind, base);
    const Point point = point_of(bundle.points.front());
    return make_stage(examples_, features_of(point), preprocessing_of(point, base), training, held_out);
  }

  std::unique_ptr<Classifier> make(std::size_t point, int fold) const {
    return config_.make(config_.kind, point_of(point).classifier,
                        derive_seed(config_.seed, fmt::format("fold {}", fold)));
  }

  void run_bundle(const Bundle& bundle, std::size_t shared_bytes) {
    Stage stage;
    try {
      stage = stage_of(bundle);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {  // for example more components than the data has
      for (const std::size_t point : bundle.points) keep(point, bundle.fold, {.error = error.what()});
      return;
    }
    const auto work = config_.share ? work_on(stage, shared_bytes) : nullptr;
    FitContext context{.labels = examples_.labels};
    context.work = work;
    std::vector<std::unique_ptr<Classifier>> classifiers;
    for (const std::size_t point : bundle.points) {
      classifiers.push_back(make(point, bundle.fold));
      if (work) classifiers.back()->announce(*work);
    }
    const auto run = [&](std::size_t i) {
      keep(bundle.points[i], bundle.fold, score(std::move(classifiers[i]), stage, context));
    };
    throw_if_interrupted();
    run(0);  // does the shared work, on all threads if no other bundle runs
    parallel_for(
        classifiers.size() - 1, [&](std::size_t i, int) { run(i + 1); }, is_large() ? 1 : 0);
  }

  bool is_large() const { return examples_.table.values.values().size_bytes() > kLargeTable; }

  FoldScore score(std::unique_ptr<Classifier> classifier, const Stage& stage, const FitContext& context) const {
    FoldScore result;
    try {
      const Stopwatch fitting;
      classifier->fit(training_data(stage, examples_), context);
      result.fit_s = fitting.seconds();
      const Stopwatch predicting;
      const Predictions predictions = classifier->predict_with_probabilities(stage.held_out);
      result.predict_s = predicting.seconds();
      const Metrics metrics = measure(stage.held_out_labels, predictions, {}, config_.seed);
      result.accuracy = metrics.accuracy.value;
      result.log_loss = metrics.log_loss;
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      return {.error = error.what()};
    }
    return result;
  }

  void keep(std::size_t point, int fold, FoldScore score) {
    progress_.advance();
    const std::lock_guard lock(mutex_);
    if (store_.keep) store_.keep(points_[point], fold, score);
    scores_[point][static_cast<std::size_t>(fold)] = std::move(score);
  }

  const Examples& examples_;
  const TuningConfig& config_;
  const std::vector<Parameters>& points_;
  Progress& progress_;
  const TuningStore& store_;
  std::vector<int> folds_;
  std::vector<std::vector<FoldScore>> scores_;
  std::mutex mutex_;
};

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

void choose(TuningResult& result, std::string_view kind, const std::vector<GridAxis>& axes) {
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
        complexity(kind, point.parameters, axes) <
            complexity(kind, result.points[result.one_standard_error].parameters, axes)) {
      result.one_standard_error = i;
    }
  }
}

/// The points of the grid, or a random sample of them.
std::vector<Parameters> points_of(const TuningConfig& config) {
  std::vector<Parameters> points = grid_points(config.fixed, config.axes);
  if (config.random_points == 0 || config.random_points >= points.size()) return points;
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng rng(derive_seed(config.seed, "random search"));
  rng.shuffle(std::span(order));
  order.resize(config.random_points);
  std::ranges::sort(order);
  std::vector<Parameters> drawn;
  for (const std::size_t i : order) drawn.push_back(points[i]);
  return drawn;
}

/// For the chart: as many components as the largest point uses, or all if that is cheap.
std::optional<ExplainedVariance> variance_of(const Examples& examples, const TuningConfig& config,
                                             const TuningResult& result) {
  std::size_t most = 0;
  bool uses_pca = false;
  PreprocessingConfig prepare;
  prepare.seed = config.seed;
  for (const TuningPoint& point : result.points) {
    const PreprocessingConfig preprocessing = preprocessing_of(Point(point.parameters), prepare);
    uses_pca = uses_pca || preprocessing.pca_components > 0 || preprocessing.pca_variance > 0;
    if (point.error.empty()) most = std::max(most, preprocessing.pca_components);
  }
  if (!uses_pca) return std::nullopt;
  const Point best(result.points[result.best].parameters);
  prepare.standardise = preprocessing_of(best, prepare).standardise;
  ExplainedVariance variance{features_of(best), {}};
  const std::size_t columns = columns_of(examples.table.columns, variance.features).size();
  const std::size_t all = std::min(columns, examples.subjects.ids.size());
  if (all <= kCheapComponents) most = all;
  prepare.pca_components = std::min(most, all);
  if (prepare.pca_components == 0) return std::nullopt;
  std::vector<std::size_t> rows(examples.subjects.ids.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  variance.shares = make_stage(examples, variance.features, prepare, rows, {}).preprocessor.explained_variance_ratio();
  return variance;
}

std::vector<GridAxis> declared_space(std::string_view name, std::string_view kind) {
  const std::vector<SearchSpace>& spaces = classifier_descriptor(kind).searches;
  const auto found = std::ranges::find(spaces, name, &SearchSpace::name);
  if (found == spaces.end()) {
    throw Error(fmt::format("the preset {} has no grid for {}", name, kind), "--preset",
                "give parameters and values with --grid");
  }
  std::vector<GridAxis> axes;
  for (const std::string& axis : found->axes) axes.push_back(parse_axis(axis));
  return axes;
}

/// 2, 5, 10, 20, 50, ... components up to the number of columns, and 0 (no PCA).
GridAxis components_axis(std::size_t columns) {
  GridAxis axis{"pca_components", {}};
  for (std::size_t decade = 1; decade < columns; decade *= 10) {
    for (const std::size_t step : {1, 2, 5}) {
      if (decade * step > 1 && decade * step < columns) axis.values.push_back(std::to_string(decade * step));
    }
  }
  axis.values.emplace_back("0");
  return axis;
}

}  // namespace

void require_valid(const TuningConfig& config) {
  std::set<std::string> seen;
  for (const GridAxis& axis : config.axes) {
    if (axis.values.empty()) throw Error(fmt::format("{} has no value to try", axis.parameter), "--grid");
    if (!seen.insert(axis.parameter).second || config.fixed.contains(axis.parameter)) {
      throw Error(fmt::format("{} is given twice", axis.parameter), "--grid");
    }
  }
  if (config.folds < 2) throw Error("there must be at least 2 folds", "--folds");
  for (const Parameters& parameters : points_of(config)) {
    const Point point(parameters);
    preprocessing_of(point, {});
    config.make(config.kind, point.classifier, config.seed);
  }
}

TuningResult tune(const Examples& examples, const TuningConfig& config, Progress& progress, const TuningStore& store) {
  require_valid(config);
  std::vector<std::size_t> rows(examples.subjects.ids.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  require_two_genres(examples, rows, "the table");
  require_finite_examples(examples);
  const std::vector<Parameters> points = points_of(config);
  for (const Parameters& point : points) columns_of(examples.table.columns, features_of(Point(point)));

  const std::vector<std::vector<FoldScore>> scores = Search(examples, config, points, progress, store).run();
  TuningResult result;
  for (std::size_t i = 0; i < points.size(); ++i) result.points.push_back(summarise(points[i], scores[i]));
  choose(result, config.kind, config.axes);
  result.variance = variance_of(examples, config, result);
  return result;
}

Parameters varied(const Parameters& all, const std::vector<GridAxis>& axes) {
  Parameters chosen;
  for (const GridAxis& axis : axes) chosen[axis.parameter] = all.at(axis.parameter);
  return chosen;
}

std::vector<Fault> failures(const TuningResult& result) {
  std::vector<Fault> faults;
  for (const TuningPoint& point : result.points) {
    if (!point.error.empty()) faults.push_back({point.error, to_string(point.parameters), {}});
  }
  return faults;
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

std::vector<std::string> preset_names() {
  return {"study", "wide", "pca", "scaling", "features"};
}

std::vector<GridAxis> preset_grid(std::string_view preset, std::string_view kind,
                                  const std::vector<FeatureColumn>& columns) {
  if (preset == "study" || preset == "wide") return declared_space(preset, kind);
  if (preset == "scaling") return {{"standardise", {"true", "false"}}};
  if (preset == "features") return {{"features", ablation_features(columns)}};
  if (preset == "pca") return {components_axis(columns.size())};
  throw Error(fmt::format("there is no preset \"{}\"", preset), "--preset",
              fmt::format("use {}", fmt::join(preset_names(), ", ")));
}

}  // namespace genrewise
