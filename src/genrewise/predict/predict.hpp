/// @file
/// Predicts the genres of audio files with a model, over time and for the whole track.
/// @code
/// const Predictor predictor(load_model("best.gwm"));
/// const Expected<Prediction> prediction = predictor.predict_file("song.mp3");
/// @endcode
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/progress.hpp"
#include "genrewise/models/model.hpp"

namespace genrewise {

class ClipExtractor;

struct PredictOptions {
  /// Maximum number of 30 s windows of a track longer than 31 s, evenly spread without overlap. 1: the middle 30 s, the
  /// default clip of feature extraction.
  int windows = 3;
  /// Confidences below the model's threshold for this share of errors (Confidence::threshold()) are marked unknown; all
  /// are if the model does not reach it, none if it stores no held-out predictions. 1: none.
  double max_error = kMaxError;
};

struct WindowPrediction {
  double start_s = 0, duration_s = 0;
  std::vector<float> probabilities;  ///< by label
};

struct Prediction {
  double duration_s = 0;                  ///< of the track; 0: unknown
  std::vector<float> probabilities;       ///< by label: mean over the windows; sums to 1
  bool unknown = false;                   ///< see PredictOptions::max_error
  std::optional<double> novelty;          ///< Novelty::distances(): mean over the windows; empty if the model has none
  std::vector<WindowPrediction> windows;  ///< in order of time, without windows that cannot be decoded or are silent
  std::vector<float> features;            ///< Predictor::features(): mean over the windows
};

/// Label indices, most probable first; ties in label order.
std::vector<std::size_t> ranked(std::span<const float> probabilities);

/// Predicts with a model. Thread-safe.
class Predictor {
 public:
  /// Throws Error if the model was trained on features that cannot be extracted from audio (another version of a
  /// recipe, a table of another program) or the options are invalid.
  explicit Predictor(Model model, const PredictOptions& options = {});
  ~Predictor();
  Predictor(Predictor&&) noexcept;

  const std::vector<std::string>& labels() const { return model_.labels; }
  const FeatureSet& features() const { return *features_; }
  const Confidence& confidence() const { return model_.confidence; }
  /// Genres of a lower confidence are unknown; empty if PredictOptions::max_error is not reached (then all are) or the
  /// model has no held-out predictions (then none is).
  std::optional<double> threshold() const { return threshold_; }

  /// Faults: those of ClipExtractor ("silent", "too short", ...), if no window of the track can be used.
  /// `windows`: instead of PredictOptions::windows.
  Expected<Prediction> predict_file(const std::filesystem::path& path, std::optional<int> windows = {}) const;
  /// Computes a row of features() from a window of a file; may be called by several threads.
  using ExtractWindow = std::function<Expected<void>(const ClipRequest& window, std::span<float> row)>;
  /// The same with rows that `extract` computes, for a caller that needs more from the windows. The middle window of an
  /// odd number is kDefaultClip.
  Expected<Prediction> predict_file(const std::filesystem::path& path, const ExtractWindow& extract) const;

  /// From rows of features(), one per window and at least one; without times.
  Prediction predict_features(const Matrix& rows) const;

  /// predict_file() for many files, in parallel over files (for a single file: over its windows). Entry i belongs to
  /// paths[i]. An interruption (Ctrl-C) does not throw: entries of unprocessed files are empty.
  std::vector<std::optional<Expected<Prediction>>> predict_files(std::span<const std::filesystem::path> paths,
                                                                 Progress& progress) const;

 private:
  Expected<Prediction> predict(const std::filesystem::path& path, const ExtractWindow& extract, int windows) const;

  Model model_;
  PredictOptions options_;
  std::optional<double> threshold_;
  std::unique_ptr<FeatureSet> features_;
  std::unique_ptr<ClipExtractor> extractor_;
};

struct ModelChoice {
  std::filesystem::path model;  ///< a .gwm file; empty: zero-shot
  /// Instead of a model: genres from the sounds and tags that pretrained networks recognise, of those whose weights are
  /// present.
  bool zero_shot = false;
  std::string genres;  ///< zero-shot: "Rock,Jazz"; empty: all available ones
};
/// Notes where only one of two zero-shot networks is present. Throws UsageError for genres given with a model, and
/// Error for a model that cannot be used and, without a model, where no weights are present.
Predictor open_predictor(const ModelChoice& choice, const PredictOptions& options, Progress& progress);

}  // namespace genrewise
