// Estimates of the time of a study from short measurements on this machine, before anything is computed.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/data_source/feature_cache.hpp"
#include "genrewise/features/clip_extractor.hpp"
#include "genrewise/jobs/study_plan.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kProbedClips = 3;
constexpr double kNearlyAll = 0.95;           // of the clips: their extraction takes no time that matters
constexpr std::size_t kProbedExamples = 160;  // for classifiers
constexpr std::size_t kFewForPerceptron = 60;
// For networks: a few examples and a batch, and several epochs, which separate start, work per example and per epoch.
constexpr std::size_t kFewExamples = 20;
constexpr int kLong = 3;
constexpr double kTraining = 0.65, kTest = 0.2;  // shares of the examples

/// Seconds to extract sets from all clips, on all threads, measured on clips that are spread over the dataset; or why
/// none of them can be used for the first set.
Expected<double> extraction_s(const Dataset& dataset, const std::vector<std::string>& names) {
  std::vector<std::unique_ptr<FeatureSet>> made;
  std::vector<const FeatureSet*> sets;
  for (const std::string& name : names) sets.push_back(made.emplace_back(make_feature_set(name)).get());
  const ClipExtractor extractor(sets);
  const std::size_t all = dataset.tracks.size();
  const std::size_t clips = std::min(all, std::max(kProbedClips, static_cast<std::size_t>(thread_budget())));
  std::vector<std::optional<Fault>> faults(clips);
  const Stopwatch watch;
  parallel_for(clips, [&](std::size_t i, int) {
    const Track& track = dataset.tracks[(2 * i + 1) * all / (2 * clips)];
    std::vector<std::vector<float>> rows;
    for (const FeatureSet* set : sets) rows.emplace_back(set->size());
    const auto extracted = extractor.extract(track.path, track.clip, {rows.begin(), rows.end()});
    if (!extracted.front()) faults[i] = extracted.front().error();
  });
  const auto same = [&](const std::optional<Fault>& fault) { return fault && fault->reason == faults[0]->reason; };
  if (faults[0] && std::ranges::all_of(faults, same)) return tl::unexpected(*faults[0]);
  return watch.seconds() * static_cast<double>(all) / static_cast<double>(clips);
}

/// Separable made-up examples: three fifths for training, one for validation, one for test.
struct MadeUp {
  Examples examples;
  Split split;
};

MadeUp made_up(std::size_t count, std::size_t columns, std::size_t labels) {
  MadeUp made;
  Examples& examples = made.examples;
  examples.name = "estimate";
  examples.table.recipe.name = "estimate";
  examples.table.columns.resize(columns);
  examples.table.values = Matrix(count, columns);
  for (std::size_t label = 0; label < labels; ++label) examples.labels.push_back(std::to_string(label));
  Rng rng(kDefaultSeed);
  SplitSubjects& subjects = examples.subjects;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t label = (i + i / 5) % labels;
    for (std::size_t j = 0; j < columns; ++j)
      examples.table.values(i, j) = static_cast<float>(rng.uniform() + (j % labels == label ? 0.5 : 0.0));
    subjects.ids.push_back(std::to_string(i));
    subjects.labels.push_back(static_cast<int>(label));
    made.split.parts.push_back(i % 5 == 3 ? Part::validation : i % 5 == 4 ? Part::test : Part::training);
  }
  examples.table.track_ids = subjects.tracks = subjects.ids;
  subjects.artists = subjects.albums = std::vector<std::string>(count);
  subjects.official.resize(count);
  subjects.labels_by_name = examples.labels;
  return made;
}

double number_in(const ModelSpec& spec, const std::string& parameter) {
  return check_parameters(classifier_descriptor(spec.kind), Point(spec.parameters).classifier).number(parameter);
}

/// With the number of examples.
double growth(const std::string& kind) {
  return kind == "svm" || kind == "knn" ? 2 : 1;
}

class FitProbe {
 public:
  FitProbe(const DataSource& source, const StudyConfig& study) : study_(study) {
    const SplitSubjects subjects = source.subjects();
    examples_ = static_cast<double>(subjects.ids.size());
    labels_ = std::max<std::size_t>(2, subjects.labels_by_name.size());
  }

  double seconds(const ModelSpec& spec, std::size_t columns) {
    const double fits = kTraining * static_cast<double>(grid_points(spec.parameters, spec.grid).size()) + 1 - kTest;
    if (classifier_descriptor(spec.kind).capabilities.neural_program) return network_s(spec, columns, fits);
    if (spec.kind == "mlp") {  // in full: it stops when its loss stalls, after few epochs on a wide table
      const Seconds few = fitted(spec, columns, kFewForPerceptron);
      return examples_ / static_cast<double>(kFewForPerceptron) * (fits * few.fit_s + kTest * few.predict_s);
    }
    const double times = examples_ / static_cast<double>(kProbedExamples);
    return measured(spec, columns, kProbedExamples) * std::pow(times, growth(spec.kind));
  }

 private:
  struct Seconds {
    double fit_s = 0, predict_s = 0;
  };

  /// `fits`: to all examples, each.
  double network_s(const ModelSpec& spec, std::size_t columns, double fits) {
    const double batch =
        std::floor(std::clamp(number_in(spec, "batch_size"), 2.0, std::max(2.0, kTraining * examples_)));
    const double few = std::min(static_cast<double>(kFewExamples), std::ceil(batch / 2));
    const auto fit = [&](double count, int epochs) {
      ModelSpec probe = spec;
      probe.parameters["epochs"] = std::to_string(epochs);
      return fitted(probe, columns, static_cast<std::size_t>(count));
    };
    const double start = fit(few, 1).fit_s;
    const Seconds once = fit(batch, 1);
    const double per_example = std::max(0.0, once.fit_s - start) / (batch - few);
    const double per_epoch = std::max(0.0, fit(batch, kLong).fit_s - once.fit_s) / (kLong - 1) / batch;
    const double fixed = std::max(0.0, start - per_example * few);
    return (fits + 1) * fixed + examples_ * (fits * (per_example + per_epoch * (number_in(spec, "epochs") - 1)) +
                                             kTest * once.predict_s / batch);
  }

  void make_examples(std::size_t columns, std::size_t count) {
    if (made_.examples.subjects.ids.size() != count || made_.examples.table.columns.size() != columns)
      made_ = made_up(count, columns, labels_);
  }

  double measured(const ModelSpec& spec, std::size_t columns, std::size_t count) {
    make_examples(columns, count);
    StudyConfig config = study_;
    config.models = {spec};
    config.models.front().features.clear();
    config.preprocessing.pca_components = 0;  // may exceed the few examples
    Progress silent;
    const ModelResult result = run_study(made_.examples, made_.split, config, silent).models.front();
    const bool folds = !classifier_descriptor(spec.kind).capabilities.neural_program;
    return result.choose_s + (folds ? 2 : 1) * result.fit_s + result.predict_s;  // two folds of half of the examples
  }

  /// One fit to all of the made-up examples; nothing for a model that cannot be fitted.
  Seconds fitted(const ModelSpec& spec, std::size_t columns, std::size_t count) {
    make_examples(columns, count);
    const Point point(spec.parameters);
    std::vector<std::size_t> rows(count);
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    try {
      Seconds seconds;
      const Stopwatch fitting;
      const Model model = fit_model(made_.examples, rows, study_.make(spec.kind, point.classifier, study_.seed),
                                    preprocessing_of(point, {.seed = study_.seed}));
      seconds.fit_s = fitting.seconds();
      const Stopwatch predicting;
      model.predict_with_probabilities(made_.examples.table.values);
      seconds.predict_s = predicting.seconds();
      return seconds;
    } catch (const Interrupted&) {
      throw;
    } catch (const Error&) {
      return {};
    }
  }

  const StudyConfig& study_;
  double examples_ = 0;
  std::size_t labels_ = 2;
  MadeUp made_;
};

/// Columns of a table that models are trained on.
std::size_t columns_of_set(const DataSource& source, const std::string& set) {
  if (source.columns() > 0 && set.empty()) return source.columns();
  Progress silent;
  if (!set.empty() && !source.table_of(set).empty()) return source.load_set(set, {}, silent).table.columns.size();
  if (set.empty() && !source.extracts()) return source.load_own({}, silent).examples.table.columns.size();
  return feature_set_descriptor(set.empty() ? source.features() : set).columns;
}

}  // namespace

StudyCost estimate_cost(const DataSource& source, const StudyConfig& study, const FeaturesPath& path_of,
                        Progress& progress) {
  const std::vector<std::string> sets = feature_sets_of(study.models);
  StudyCost cost;
  FitProbe probe(source, study);
  progress.begin("estimating the time", "measurements", sets.size() + study.models.size());
  std::vector<std::string> extracted;
  double apart_s = 0;
  for (const std::string& set : sets) {
    const std::size_t columns = columns_of_set(source, set);
    const bool given = set.empty() ? !source.extracts() : !source.has_audio() || !source.table_of(set).empty();
    cost.features_s[set] = 0;
    if (!given && !file_exists(path_of(set, columns))) {
      const std::string name = set.empty() ? source.features() : set;
      const Expected<double> seconds = extraction_s(source.audio(), {name});
      const auto cache = FeatureCache::of_user();
      if (seconds && cache && cache->share(source.audio(), *make_feature_set(name)) > kNearlyAll) {
        progress.note(fmt::format("the features {} are there from an earlier run", name));
      } else if (seconds) {
        apart_s += cost.features_s[set] = *seconds;
        extracted.push_back(name);
      } else {
        cost.unusable[set] = seconds.error().reason;
      }
    }
    progress.advance();
    for (const ModelSpec& spec : study.models) {
      if (spec.features != set) continue;
      cost.models_s[spec.name] = cost.unusable.contains(set) ? 0 : probe.seconds(spec, columns);
      progress.advance();
    }
  }
  if (extracted.size() > 1) {
    const double saved_s = apart_s - extraction_s(source.audio(), extracted).value_or(apart_s);
    cost.shared_s = std::max(0.0, saved_s) / static_cast<double>(extracted.size() - 1);
    for (const auto& [set, seconds] : cost.features_s)
      if (seconds > 0) cost.shared_s = std::min(cost.shared_s, seconds);
    for (auto& [set, seconds] : cost.features_s) seconds = std::max(0.0, seconds - cost.shared_s);
  }
  progress.finish();
  return cost;
}

}  // namespace genrewise
