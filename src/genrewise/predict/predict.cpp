#include "genrewise/predict/predict.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/features/clip_extractor.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace genrewise {
namespace {

/// One analysis window: the clip to decode and its position in the track.
struct Window {
  ClipRequest clip;
  double start_s = 0, duration_s = 0;
};

std::vector<Window> windows_of(double track_s, int most) {
  const double window_s = kDefaultClip.duration_s;
  const int count = std::clamp(static_cast<int>(std::min(track_s / window_s, 1e6)), 1, most);
  if (count == 1) {
    const bool whole = track_s <= window_s + kDefaultClip.slack_s;
    return {{kDefaultClip, whole ? 0 : (track_s - window_s) / 2, whole ? track_s : window_s}};
  }
  std::vector<Window> windows;
  for (int i = 0; i < count; ++i) {
    const double start_s = (i + 0.5) * track_s / count - window_s / 2;
    const bool is_middle = 2 * i + 1 == count;  // of the same samples as other features of the track
    windows.push_back(
        {is_middle ? kDefaultClip : ClipRequest{.start_s = start_s, .duration_s = window_s}, start_s, window_s});
  }
  return windows;
}

std::unique_ptr<FeatureSet> features_for(const Model& model) {
  const auto names = feature_set_names();
  if (std::ranges::find(names, model.recipe.name) == names.end())
    throw UnknownName(
        "the model was trained on features '" + model.recipe.name + "', which genrewise cannot extract from audio", {},
        "train a model on a feature set that `genrewise features` lists");
  auto features = make_feature_set(model.recipe.name);
  model.require_features(features->recipe(), features->columns());
  return features;
}

}  // namespace

std::vector<std::size_t> ranked(std::span<const float> probabilities) {
  std::vector<std::size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t label) { return probabilities[label]; });
  return order;
}

Predictor::Predictor(Model model, const PredictOptions& options)
    : model_(std::move(model)),
      options_(options),
      features_(features_for(model_)),
      extractor_(std::make_unique<ClipExtractor>(*features_)) {
  if (options.windows < 1) throw Error("the number of windows must be at least 1", "windows");
  if (const auto point = model_.confidence.threshold(options.max_error)) threshold_ = point->threshold;
}

Predictor::~Predictor() = default;
Predictor::Predictor(Predictor&&) noexcept = default;

Expected<Prediction> Predictor::predict_file(const std::filesystem::path& path, std::optional<int> windows) const {
  const auto extract = [&](const ClipRequest& clip, std::span<float> row) {
    return extractor_->extract(path, clip, row);
  };
  return predict(path, extract, windows.value_or(options_.windows));
}

Expected<Prediction> Predictor::predict_file(const std::filesystem::path& path, const ExtractWindow& extract) const {
  return predict(path, extract, options_.windows);
}

Expected<Prediction> Predictor::predict(const std::filesystem::path& path, const ExtractWindow& extract,
                                        int most) const {
  const auto info = probe_file(path);
  if (!info) return tl::unexpected(info.error());
  const std::vector<Window> windows = windows_of(info->duration_s, most);
  Matrix rows(windows.size(), features_->size());
  std::vector<Expected<void>> extracted(windows.size());
  parallel_for(windows.size(), [&](std::size_t i, int) { extracted[i] = extract(windows[i].clip, rows.row(i)); });

  std::vector<std::size_t> usable;
  for (std::size_t i = 0; i < windows.size(); ++i)
    if (extracted[i]) usable.push_back(i);
  if (usable.empty()) return tl::unexpected(extracted.front().error());
  Prediction prediction = predict_features(rows.select_rows(usable));
  prediction.duration_s = info->duration_s;
  for (std::size_t i = 0; i < usable.size(); ++i) {
    prediction.windows[i].start_s = windows[usable[i]].start_s;
    prediction.windows[i].duration_s = windows[usable[i]].duration_s;
  }
  return prediction;
}

Prediction Predictor::predict_features(const Matrix& rows) const {
  const std::size_t count = rows.rows();
  const auto add_mean = [&](std::span<const float> row, std::vector<float>& mean) {
    mean.resize(row.size());
    for (std::size_t i = 0; i < row.size(); ++i) mean[i] += row[i] / static_cast<float>(count);
  };
  Prediction prediction;
  const Matrix probabilities = model_.predict_probabilities(rows);
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = probabilities.row(i);
    prediction.windows.push_back({0, 0, {row.begin(), row.end()}});
    add_mean(row, prediction.probabilities);
    add_mean(rows.row(i), prediction.features);
  }
  prediction.unknown =
      model_.confidence.held_out > 0 && (!threshold_ || std::ranges::max(prediction.probabilities) < *threshold_);
  if (model_.novelty.is_fitted()) {
    const std::vector<double> distances = model_.novelty.distances(rows);
    prediction.novelty = std::reduce(distances.begin(), distances.end()) / static_cast<double>(count);
  }
  return prediction;
}

std::vector<std::optional<Expected<Prediction>>> Predictor::predict_files(std::span<const std::filesystem::path> paths,
                                                                          Progress& progress) const {
  std::vector<std::optional<Expected<Prediction>>> predictions(paths.size());
  progress.begin("analysing", "files", paths.size());
  try {
    parallel_for(paths.size(), [&](std::size_t i, int) {
      predictions[i] = predict_file(paths[i]);
      progress.advance();
    });
  } catch (const Interrupted&) {  // missing entries report it to the caller
  }
  progress.finish();
  return predictions;
}

}  // namespace genrewise
