// Analyses of a study that fit or predict again, as members of results.json (docs/results_format.md).
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/study/study.hpp"

namespace genrewise {

/// Outer splits of nested cross-validation: each of `folds` grouped folds is once the test part, and a validation part
/// is carved out of the others, by groups. Empty for 0 folds. Throws Error if that is impossible (a genre with too few
/// artists, or albums, or files) or for 1 fold.
std::vector<Split> nested_splits(const SplitSubjects& subjects, int folds, std::uint64_t seed);

/// A study and what its further analyses need.
struct StudiedData {
  const Examples& examples;
  const Split& split;
  const StudyConfig& config;
  const StudyResult& result;
  TableSource table_of;
  std::function<std::filesystem::path(const std::string& name)> model_path;
};

/// Permutation importance of each feature of the best model's table (see feature_names()): the loss of test accuracy if
/// the feature's columns are permuted among the test examples, the mean of 5 permutations, with a bootstrap interval
/// over groups. Empty for a table of one feature or more than 64.
nlohmann::json importance_json(const StudiedData& study);

/// Validation accuracy of the best model's chosen parameters, fitted on 1/16, 1/8, 1/4, 1/2 of the training groups of
/// each genre, each subset within the next, and on all. Groups are never divided.
nlohmann::json learning_curve_json(const StudiedData& study);

/// The classical models on the study's own table, with their chosen parameters, under the splits `grouped` and
/// `random`. Throws Error if such a split is impossible.
nlohmann::json protocols_json(const StudiedData& study);

/// Adds to results.json: of every model `cost.model_bytes`, of the best one `importance` and `learning_curve`; and
/// `protocols` if artists are known. What cannot be computed, or is predicted from the measured times to take longer
/// than a fifth of the study and than 60 s, is left out, which `notes` states.
void add_refits(nlohmann::json& document, const StudiedData& study, Progress& progress);

/// The whole study (choice of parameters included) on each outer split; accuracy over all folds together.
/// `store_of`: the store of an outer fold, for the examples of a table.
nlohmann::json nested_json(const StudiedData& study, const std::vector<Split>& outer, Progress& progress,
                           const std::function<StudyStore(const Examples&, std::size_t fold)>& store_of);

}  // namespace genrewise
