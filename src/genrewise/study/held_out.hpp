// Confidence and novelty of a fitted model, from examples that are held out from further fits.
#pragma once

#include <functional>

#include "genrewise/base/progress.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/models/model.hpp"

namespace genrewise {

/// Folds of add_confidence(): few, because they are its cost, but more of few examples.
inline std::size_t confidence_folds(std::size_t examples) {
  return examples < 300 ? 5 : 2;
}

/// make_folds() with at most `count` grouped folds, which becomes the number of folds: few groups allow fewer. Throws
/// Error if even two are impossible.
std::vector<int> grouped_folds(const SplitSubjects& subjects, int& count, std::uint64_t seed);

/// Sets the model's confidence and novelty by grouped cross-validation (make_folds()) on the rows that it was fitted on
/// and no others. `make` creates a classifier with its parameters; `preprocessing` is fitted in each fold. Advances
/// `progress` by confidence_folds(), also where few groups allow fewer folds. Where that is impossible (a genre of one
/// artist, too few examples for the parameters), the model stays without both, and its facts state why.
void add_confidence(Model& model, const Examples& examples, const std::vector<std::size_t>& rows,
                    const std::function<std::unique_ptr<Classifier>()>& make, const PreprocessingConfig& preprocessing,
                    std::uint64_t seed, Progress& progress);

/// Sets the confidence alone, from uncalibrated probabilities for a part that the model was not fitted on; facts state
/// that there is none if it is empty.
void add_confidence(Model& model, Matrix held_out, std::span<const int> truth);

}  // namespace genrewise
