/// @file
/// Named sets of models for a study: `genrewise study --preset`.
/// @code
/// const PresetModels chosen = preset_models("best", source);
/// // chosen.models: audiotag/svm-rbf and audiotag/logreg where their weights are present
/// @endcode
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "genrewise/data_source/data_source.hpp"
#include "genrewise/models/model_spec.hpp"

namespace genrewise {

struct StudyPreset {
  std::string name, summary;
};
/// "default", "original" and "best".
const std::vector<StudyPreset>& study_presets();

/// A model of a preset that a study leaves out.
struct LeftOut {
  std::string model, reason;
  std::string remedy;  ///< a command or sentence; may be empty
};

struct PresetModels {
  std::vector<ModelSpec> models;   ///< in the order of the preset; titles are those of the original study
  std::vector<LeftOut> left_out;   ///< those whose weights or program are missing
  std::vector<std::string> notes;  ///< which recipe `best` uses, and how the preset shrinks without audio
};

/// The models of a preset that can run on this data here. Models without a feature set of their own use the source's
/// own features. A source without audio gets the models that its numbers and tables allow. Reads no weights. Throws
/// UnknownName.
PresetModels preset_models(std::string_view preset, const DataSource& source);

/// The name of the source's own features: a feature set, or "table" for numbers of unknown origin.
std::string own_features_of(const DataSource& source);

/// The distinct feature sets of these models, in order of first use.
std::vector<std::string> feature_sets_of(const std::vector<ModelSpec>& models);

/// A sentence for each reason: "not compared: frames/mlp, frames/knn (over the budget). To include them: ...".
std::vector<std::string> sentences(const std::vector<LeftOut>& left_out);

}  // namespace genrewise
