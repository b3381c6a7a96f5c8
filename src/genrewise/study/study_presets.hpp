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
  std::string model, reason, remedy;  ///< remedy: a command or an option; may be empty
};

struct PresetModels {
  std::vector<ModelSpec> models;
  std::vector<LeftOut> left_out;   ///< those whose weights or program are missing
  std::vector<std::string> notes;  ///< which features `best` uses, and how the preset shrinks without audio
};

/// The models of a preset that can run on this data here. Those without a feature set of their own use the source's; a
/// source without audio gets those that its numbers and tables allow. Reads no weights. Throws UnknownName.
PresetModels preset_models(std::string_view preset, const DataSource& source);

/// The distinct feature sets of these models, in order of first use.
std::vector<std::string> feature_sets_of(const std::vector<ModelSpec>& models);
/// The name of a feature set of models: its own, and of "" that of the source; "table" for numbers of unknown origin.
std::string shown_set(const std::string& set, const DataSource& source);
/// A sentence for each reason: "Left out: frames/mlp, frames/knn: the budget of ...".
std::vector<std::string> sentences(const std::vector<LeftOut>& left_out);

}  // namespace genrewise
