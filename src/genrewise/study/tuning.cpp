#include "genrewise/study/tuning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>

#include "genrewise/base/error.hpp"
#include "genrewise/data_source/selection.hpp"
#include "genrewise/study/stage.hpp"
#include "genrewise/study/tuning_search.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kCheapComponents = 1024;  // up to this many are computed to draw the whole curve

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

  const std::vector<std::vector<FoldScore>> scores = score_on_folds(examples, config, points, progress, store);
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

nlohmann::json to_json(const FoldScore& score) {
  if (!score.error.empty()) return {{"error", score.error}};
  return {{"accuracy", score.accuracy},
          {"log_loss", score.log_loss},
          {"fit_s", score.fit_s},
          {"predict_s", score.predict_s}};
}

FoldScore fold_score_from_json(const nlohmann::json& document) {
  if (document.contains("error")) return {.error = document.at("error").get<std::string>()};
  return {document.at("accuracy"), document.at("log_loss"), document.at("fit_s"), document.at("predict_s"), {}};
}

}  // namespace genrewise
