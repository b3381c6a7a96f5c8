/// @file
/// Evaluates a fitted model on labelled examples.
/// @code
/// const Evaluation evaluation = evaluate(model, examples, split.rows(Part::test), kDefaultSeed);
/// const double accuracy = evaluation.metrics.accuracy.value;
/// @endcode
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "genrewise/data_source/examples.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/models/model.hpp"
#include "genrewise/packs/batches.hpp"

namespace genrewise {

struct Evaluation {
  Metrics metrics;             ///< over the model's labels
  std::vector<Fault> skipped;  ///< reason "genre unknown to the model"
  /// Evaluated examples that the model was trained on; above 0 the scores are optimistic. Nothing if they are not
  /// known, because the model was trained on records.
  std::optional<std::size_t> trained_on;
};

/// Metrics over all records of a pack with the model's labels, one batch in memory at a time. Damaged records are left
/// out. Throws Error if there are no records, and as the model does.
Metrics evaluate(const Model& model, BatchStream& batches, std::uint64_t seed);

/// The same for these rows of the examples; genres are matched by name. Throws Error if the features have another
/// recipe than the model's, or if no row has a genre of the model.
Evaluation evaluate(const Model& model, const Examples& examples, const std::vector<std::size_t>& rows,
                    std::uint64_t seed);

/// The examples with the columns of a model that was trained on a labelled table of another program: columns are
/// matched by name, in any order; further ones are left out. Examples of other recipes are returned unchanged. Throws
/// Error that names the missing columns.
Examples arrange_columns(const Model& model, Examples examples);

/// Fingerprint of each row's numbers (12 hexadecimal digits), which identifies an example independent of its id.
std::vector<std::string> row_fingerprints(const FeatureTable& table, const std::vector<std::size_t>& rows);

/// Rows that the model was not trained on, according to the fingerprints in its facts. Throws Error if it has none.
std::vector<std::size_t> unseen_rows(const Model& model, const Examples& examples);

}  // namespace genrewise
