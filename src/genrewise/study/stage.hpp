// Examples ready for learners: those to learn from and those to be judged on, after preprocessing.
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
  Preprocessor preprocessor;  ///< fitted on `learn`
  Matrix training, held_out;
  std::vector<int> training_labels, held_out_labels;
  std::vector<std::string> training_groups;  ///< of the training rows; see groups_of()
};

/// The stage's training rows, which must outlive what is returned.
TrainingData training_data(const Stage& stage, const Examples& examples);

/// `features` as columns_of() takes them. `judge` may be empty. Throws Error when the preprocessing cannot be fitted.
Stage make_stage(const Examples& examples, std::string_view features, const PreprocessingConfig& config,
                 std::span<const std::size_t> training, std::span<const std::size_t> held_out);

/// Work that learners on this stage may share. The stage must stay where it is while one of them fits or predicts.
std::shared_ptr<SharedWork> work_on(const Stage& stage, std::size_t bytes);

/// Throws Error that names track and column of the first number that is not finite.
void require_finite_examples(const Examples& examples);
/// Throws Error when these rows hold fewer than two genres; `what` is "the training part".
void require_two_genres(const Examples& examples, std::span<const std::size_t> rows, std::string_view what);

}  // namespace genrewise
