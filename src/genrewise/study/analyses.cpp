#include "genrewise/study/analyses.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "genrewise/evaluation/curves.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CalibrationBin, low, high, count, confidence, accuracy)

namespace {

using nlohmann::json;

constexpr std::size_t kMostArtists = 30, kMostMistakes = 20, kMostAlwaysWrong = 30;

/// Curves of all genres together have about this many points, and each at least kFewestCurvePoints.
constexpr std::size_t kAllCurvePoints = 400, kFewestCurvePoints = 12;

/// Four decimal places, which no chart shows more of.
double rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

json or_null(const std::optional<double>& value) {
  return value ? json(*value) : json();
}

json points_json(const std::vector<CurvePoint>& points) {
  json document = json::array();
  for (const CurvePoint& point : points) document.push_back({rounded(point.x), rounded(point.y)});
  return document;
}

void add_curves(json& document, const ModelResult& model, const TestPart& test) {
  const std::vector<std::string>& labels = test.examples().labels;
  const std::size_t most = std::clamp(kAllCurvePoints / labels.size(), kFewestCurvePoints, kCurvePoints);
  const std::vector<GenreCurves> curves = genre_curves(test.truth(), model.test_probabilities, most);
  double areas = 0;
  std::size_t defined = 0;
  document["curves"] = json::array();
  for (std::size_t genre = 0; genre < curves.size(); ++genre) {
    const GenreCurves& of = curves[genre];
    areas += of.auc.value_or(0);
    defined += of.auc.has_value();
    document["curves"].push_back({{"genre", labels[genre]},
                                  {"auc", or_null(of.auc)},
                                  {"average_precision", or_null(of.average_precision)},
                                  {"roc", points_json(of.roc)},
                                  {"precision_recall", points_json(of.precision_recall)}});
  }
  document["macro_auc"] = defined == 0 ? json() : json(areas / static_cast<double>(defined));
}

void add_artists(json& document, const std::vector<bool>& hits, const TestPart& test) {
  std::map<std::pair<std::string, std::string>, GenreScore> scores;  // by artist and genre
  std::set<std::string> artists;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    if (test.artist(i).empty()) continue;
    artists.insert(test.artist(i));
    GenreScore& score = scores[{test.artist(i), test.genre(i)}];
    score.hits += hits[i];
    score.recall = static_cast<double>(score.hits) / static_cast<double>(++score.examples);
  }
  if (artists.empty()) return;
  std::erase_if(scores, [](const auto& entry) { return entry.second.examples < 2; });
  std::vector<std::pair<std::pair<std::string, std::string>, GenreScore>> worst(scores.begin(), scores.end());
  std::ranges::stable_sort(worst, [](const auto& a, const auto& b) {
    return std::tuple(a.second.recall, b.second.examples) < std::tuple(b.second.recall, a.second.examples);
  });
  worst.resize(std::min(worst.size(), kMostArtists));
  json& list = document["artists"] = {{"count", artists.size()}, {"worst", json::array()}};
  for (const auto& [name, score] : worst) {
    list["worst"].push_back(
        {{"artist", name.first}, {"genre", name.second}, {"examples", score.examples}, {"hits", score.hits}});
  }
}

json confident_mistakes(const ModelResult& model, const std::vector<double>& confidence, const std::vector<bool>& hits,
                        const TestPart& test) {
  std::vector<std::size_t> mistakes;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    if (!hits[i]) mistakes.push_back(i);
  }
  std::ranges::stable_sort(mistakes, std::greater(), [&](std::size_t i) { return confidence[i]; });
  mistakes.resize(std::min(mistakes.size(), kMostMistakes));
  json list = json::array();
  for (const std::size_t i : mistakes) {
    list.push_back(test.clip(i));
    list.back()["predicted"] = test.examples().labels[static_cast<std::size_t>(model.test_labels[i])];
    list.back()["probability"] = confidence[i];
  }
  return list;
}

json pairs_json(const std::vector<const ModelResult*>& models, const TestPart& test, std::uint64_t seed) {
  std::vector<std::vector<bool>> hits;      // of each model
  std::vector<std::vector<float>> columns;  // the same as numbers
  for (const ModelResult* model : models) {
    hits.push_back(test.hits(*model));
    columns.emplace_back(hits.back().begin(), hits.back().end());
  }
  const auto means = bootstrap_means(columns, test.groups(), seed);
  json pairs = json::array();
  std::vector<double> p_values;
  for (std::size_t a = 0; a < models.size(); ++a) {
    for (std::size_t b = a + 1; b < models.size(); ++b) {
      const PairedComparison comparison = mcnemar(hits[a], hits[b]);
      p_values.push_back(comparison.p_value);
      std::vector<float> differences(columns[a]);
      for (std::size_t i = 0; i < differences.size(); ++i) differences[i] -= columns[b][i];
      std::vector<double> resampled(means[a]);
      for (std::size_t round = 0; round < resampled.size(); ++round) resampled[round] -= means[b][round];
      const auto interval = grouped_interval(differences, test.groups(), std::move(resampled)).interval;
      pairs.push_back({{"first", models[a]->name},
                       {"second", models[b]->name},
                       {"only_first", comparison.only_first},
                       {"only_second", comparison.only_second},
                       {"p_value", comparison.p_value},
                       {"difference", models[a]->test.accuracy.value - models[b]->test.accuracy.value},
                       {"low", interval ? json(interval->low) : json()},
                       {"high", interval ? json(interval->high) : json()}});
    }
  }
  const std::vector<double> adjusted = holm(p_values);
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i]["p_holm"] = adjusted[i];
  return pairs;
}

/// Clips that every model predicts incorrectly; those with the least probability of their genre, over all models,
/// first.
json always_wrong_json(const std::vector<const ModelResult*>& models, const TestPart& test) {
  std::vector<std::pair<double, std::size_t>> wrong;
  for (std::size_t i = 0; i < test.truth().size(); ++i) {
    double probability = 0;
    bool any_hit = false;
    for (const ModelResult* model : models) {
      any_hit |= model->test_labels[i] == test.truth()[i];
      probability += model->test_probabilities(i, static_cast<std::size_t>(test.truth()[i]));
    }
    if (!any_hit) wrong.emplace_back(probability, i);
  }
  std::ranges::sort(wrong);
  json document = {{"count", wrong.size()}, {"clips", json::array()}};
  wrong.resize(std::min(wrong.size(), kMostAlwaysWrong));
  for (const auto& [ignored, i] : wrong) {
    json clip = test.clip(i);
    for (const ModelResult* model : models) {
      clip["predicted"][model->name] = test.examples().labels[static_cast<std::size_t>(model->test_labels[i])];
    }
    document["clips"].push_back(std::move(clip));
  }
  return document;
}

}  // namespace

std::vector<const ModelResult*> fitted_models(const std::vector<ModelResult>& models) {
  std::vector<const ModelResult*> all;
  for (const ModelResult& model : models) {
    if (model.error.empty()) all.push_back(&model);
  }
  return all;
}

TestPart::TestPart(const Examples& examples, const Split& split, std::string dataset_kind,
                   std::filesystem::path location)
    : examples_(&examples),
      dataset_kind_(std::move(dataset_kind)),
      location_(std::move(location)),
      rows_(split.rows(Part::test)),
      truth_(labels_of(examples.subjects, rows_)),
      groups_(groups_of(examples.subjects, rows_)) {}

std::vector<bool> TestPart::hits(const ModelResult& model) const {
  return hits_of(truth_, model.test_labels);
}

std::string TestPart::file(std::size_t i) const {
  const std::string& track = examples_->subjects.tracks[rows_[i]];
  if (dataset_kind_ == "pack") return {};
  if (dataset_kind_ != "table" && examples_->table.recipe.name != "table") return absolute_location(track).string();
  if (location_.empty()) return {};
  const auto file = resolve_location(absolute_location(location_).parent_path(), track);
  return file.is_absolute() && check_file(file) ? file.string() : std::string();
}

json TestPart::clip(std::size_t i) const {
  return {{"id", id(i)}, {"file", file(i)}, {"artist", artist(i)}, {"genre", genre(i)}};
}

json analyses_json(const ModelResult& model, const TestPart& test) {
  const std::vector<bool> hits = test.hits(model);
  const std::vector<double> confidence = confidences({model.test_labels, model.test_probabilities});
  const Calibration calibration = calibrate(confidence, hits);
  json document = {{"calibration", {{"ece", calibration.error}, {"bins", calibration.bins}}},
                   {"coverage", json::array()}};
  for (const CoveragePoint& point : coverage_curve(confidence, hits)) {
    document["coverage"].push_back(
        {{"threshold", point.threshold}, {"coverage", rounded(point.coverage)}, {"accuracy", rounded(point.accuracy)}});
  }
  add_curves(document, model, test);
  add_artists(document, hits, test);
  document["confident_mistakes"] = confident_mistakes(model, confidence, hits, test);
  return document;
}

json tree_confusion_json(const Metrics& metrics, const std::vector<std::string>& labels,
                         const std::map<std::string, std::string>& tree) {
  std::size_t same = 0, other = 0;
  for (std::size_t t = 0; t < labels.size(); ++t) {
    for (std::size_t p = 0; p < labels.size(); ++p) {
      if (t != p) (tree.at(labels[t]) == tree.at(labels[p]) ? same : other) += metrics.confusion[t][p];
    }
  }
  return {{"same_parent", same}, {"other_parent", other}};
}

json comparisons_json(const std::vector<ModelResult>& models, const TestPart& test, std::uint64_t seed) {
  const std::vector<const ModelResult*> all = fitted_models(models);
  if (all.size() < 2) return json::object();
  return {{"pairs", pairs_json(all, test, seed)}, {"always_wrong", always_wrong_json(all, test)}};
}

}  // namespace genrewise
