#include "genrewise/study/tuning_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/study/stage.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kSharedBytes = std::size_t{2} << 30;  // for all folds that run concurrently
constexpr std::size_t kLargeTable = std::size_t{1} << 30;   // bytes: above, folds run one after another

/// All points with the same preprocessing, on one fold.
struct Bundle {
  int fold = 0;
  std::vector<std::size_t> points;
};

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

  std::vector<std::size_t> rows_of(int fold, bool held_out) const {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < folds_.size(); ++i) {
      if ((folds_[i] == fold) == held_out) rows.push_back(i);
    }
    return rows;
  }

  Stage stage_of(const Bundle& bundle) const {
    const auto training = rows_of(bundle.fold, false), held_out = rows_of(bundle.fold, true);
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

}  // namespace

std::vector<std::vector<FoldScore>> score_on_folds(const Examples& examples, const TuningConfig& config,
                                                   const std::vector<Parameters>& points, Progress& progress,
                                                   const TuningStore& store) {
  return Search(examples, config, points, progress, store).run();
}

}  // namespace genrewise
