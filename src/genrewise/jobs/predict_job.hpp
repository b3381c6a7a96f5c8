// Genres of audio files: what `genrewise predict` does.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/predict/predict.hpp"

namespace genrewise {

struct PredictJobConfig {
  std::filesystem::path model;                ///< a .gwm file; empty: zero-shot
  bool zero_shot = false;                     ///< no model: genres from the sounds that a pretrained network recognises
  std::string genres;                         ///< zero-shot: "Rock,Jazz"; empty: all that it knows
  std::vector<std::filesystem::path> inputs;  ///< audio files, and folders to walk with all below them
  int windows = PredictOptions{}.windows;     ///< of 30 s, at most so many of a track
};

struct PredictedFile {
  std::filesystem::path path;
  Prediction prediction;
};

struct PredictJobResult {
  std::vector<std::string> labels;
  std::vector<PredictedFile> files;  ///< in the inputs' order
  std::vector<Fault> skipped;
};

/// After an interruption, files that were not reached are in neither list; whether it was interrupted is in the
/// runtime. Throws Error for a model that cannot be used, UsageError for genres beside a model.
PredictJobResult predict_job(const PredictJobConfig& config, Runtime& runtime);

}  // namespace genrewise
