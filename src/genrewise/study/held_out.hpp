// Confidence and novelty of a fitted model, from examples that are held out from further fits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/models/model.hpp"

namespace genrewise {

/// Folds that add_confidence() fits a classifier on: few, because they are the cost of it, but more of few examples.
int confidence_folds(std::size_t examples);

/// Sets the model's confidence and novelty by grouped cross-validation of a classifier with the same parameters on the
/// rows that the model was fitted on (see make_folds()): no other example is used. `make` creates it, not fitted;
/// `preprocessing` is fitted in each fold. Advances `progress` by confidence_folds(). Where that is impossible (a genre
/// of one artist, too few examples for the parameters), the model stays without, and its facts state why.
void add_confidence(Model& model, const Examples& examples, const std::vector<std::size_t>& rows,
                    const std::function<std::unique_ptr<Classifier>()>& make, const PreprocessingConfig& preprocessing,
                    std::uint64_t seed, Progress& progress);

/// The same for the confidence alone, from predictions of the model, or of one that was fitted with the same parameters
/// on fewer examples, for a part that it was not fitted on. Without predictions it states in the facts that there is no
/// such part.
void add_confidence(Model& model, Matrix held_out, std::span<const int> truth);

}  // namespace genrewise
