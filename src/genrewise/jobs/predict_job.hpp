// Predicts genres of audio files: the job of `genrewise predict`.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/job_part.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/predict/predict.hpp"

namespace genrewise {

struct PredictJobConfig {
  std::filesystem::path model;  ///< a .gwm file; empty: zero-shot
  /// Instead of a model: genres from the sounds that a pretrained network recognises, EfficientAT where its weights are
  /// present, else musicnn.
  bool zero_shot = false;
  std::string genres;                         ///< zero-shot: "Rock,Jazz"; empty: all available ones
  std::vector<std::filesystem::path> inputs;  ///< audio files, and folders that are searched recursively
  int windows = PredictOptions{}.windows;     ///< maximum number of 30 s windows per track
  std::optional<JobPart> part = {};           ///< predicts this part of the files only
  /// Called with the number of all files and a checksum of their names before the files of a part are analysed; false:
  /// there is nothing to do.
  std::function<bool(std::size_t files, const std::string& sha256)> begin_part = {};
  std::optional<double> max_error = {};  ///< see PredictOptions; empty: kMaxError where the model has a threshold
};

struct PredictedFile {
  std::filesystem::path path;
  Prediction prediction;
};

struct PredictJobResult {
  std::vector<std::string> labels;
  std::optional<double> max_error;   ///< of the threshold; empty: the model has none
  std::optional<double> threshold;   ///< of confidence; empty with a max_error: not reached, so all genres are unknown
  std::vector<PredictedFile> files;  ///< in the order of the inputs
  std::vector<Fault> skipped;
};

/// After an interruption, unprocessed files are in neither list, and the runtime is interrupted. Throws Error for a
/// model that cannot be used and, without a model, where no weights are present; UsageError for genres given with a
/// model and for a max_error given with one that stores no threshold.
PredictJobResult predict_job(const PredictJobConfig& config, Runtime& runtime);

}  // namespace genrewise
