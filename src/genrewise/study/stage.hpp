// Training and held-out examples after preprocessing, ready for classifiers.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/data_source/examples.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/models/preprocessing.hpp"
#include "genrewise/models/shared_work.hpp"

namespace genrewise {

struct Stage {
  Preprocessor preprocessor;  ///< fitted on `training`
  Matrix training, held_out;
  std::vector<int> training_labels, held_out_labels;
  std::vector<std::string> training_groups;  ///< of the training rows; see groups_of()
};

/// View of the stage's training examples; the stage must outlive it.
TrainingData training_data(const Stage& stage, const Examples& examples);

/// Selects rows and columns and applies preprocessing that is fitted on `training`. `features`: as for columns_of().
/// `held_out` may be empty. Throws Error if the preprocessing cannot be fitted.
Stage make_stage(const Examples& examples, std::string_view features, const PreprocessingConfig& config,
                 std::span<const std::size_t> training, std::span<const std::size_t> held_out);

/// Work that classifiers on this stage share. The stage must not move while one of them fits or predicts.
std::shared_ptr<SharedWork> work_on(const Stage& stage, std::size_t bytes);

/// Those of `rows` that are in the fold; without `held_out` those in the other folds. folds[i]: of rows[i].
std::vector<std::size_t> rows_of_fold(std::span<const std::size_t> rows, std::span<const int> folds, int fold,
                                      bool held_out);

/// Throws Error, naming track and column, if a number is not finite.
void require_finite_examples(const Examples& examples);
/// Throws Error if these rows have fewer than two genres; `what` names them in the message: "the training part".
void require_two_genres(const Examples& examples, std::span<const std::size_t> rows, std::string_view what);

}  // namespace genrewise
