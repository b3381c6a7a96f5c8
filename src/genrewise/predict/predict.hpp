// Audio and a model -> genres over time, and for the whole track.
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
  /// A track longer than 31 s is heard in at most so many windows of 30 s, spread evenly over it (never overlapping).
  /// 1: the middle 30 s, the same clip that extraction takes from a track by default.
  int windows = 3;
};

struct WindowPrediction {
  double start_s = 0, duration_s = 0;
  std::vector<float> probabilities;  ///< by label
};

struct Prediction {
  double duration_s = 0;                  ///< of the track; 0: not known
  std::vector<float> probabilities;       ///< by label: the mean over the windows; sums to 1
  std::vector<WindowPrediction> windows;  ///< in the track's order; those that could not be decoded are left out
};

/// Label indices, the most probable first; equal ones in the order of their names.
std::vector<std::size_t> ranked(std::span<const float> probabilities);

/// A model at work. All calls are safe from any number of threads.
class Predictor {
 public:
  /// Throws Error when the model was trained on features that this program cannot make from audio (another version of
  /// a recipe, a table of somebody else's) or the options make no sense.
  explicit Predictor(Model model, const PredictOptions& options = {});
  ~Predictor();
  Predictor(Predictor&&) noexcept;

  const std::vector<std::string>& labels() const { return model_.labels; }

  /// Faults: those of decode_file() and of the feature set, when no window of the track can be used.
  Expected<Prediction> predict_file(const std::filesystem::path& path) const;
  /// The same for a file that lies in memory; `name` stands in faults and helps to guess the format.
  Expected<Prediction> predict_bytes(std::span<const std::byte> bytes, const std::string& name) const;

  /// predict_file() for many, in parallel over files (a single file: over its windows). Entry i belongs to paths[i]. An
  /// interruption (Ctrl-C) does not throw: files that were not reached have no entry.
  std::vector<std::optional<Expected<Prediction>>> predict_files(std::span<const std::filesystem::path> paths,
                                                                 Progress& progress) const;

 private:
  struct Source;
  Expected<Prediction> predict(const Source& source) const;

  Model model_;
  PredictOptions options_;
  std::unique_ptr<FeatureSet> features_;
  std::unique_ptr<ClipExtractor> extractor_;
};

/// Every audio file that the places hold: a file is taken whatever its name; a folder is walked with all below it,
/// sorted by name, and gives what looks_like_audio(). Hidden files and folders are passed over, links to folders are
/// followed, and no folder is walked twice (so a circle of links ends). Places that do not exist, cannot be read or
/// hold no audio become faults: "not found", "folder cannot be read", "no audio in it".
std::vector<std::filesystem::path> find_audio(std::span<const std::filesystem::path> locations,
                                              std::vector<Fault>& faults);

}  // namespace genrewise
