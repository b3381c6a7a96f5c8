// A fitted model on examples whose genres are known.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "genrewise/data_source/examples.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/models/model.hpp"
#include "genrewise/packs/batches.hpp"

namespace genrewise {

struct Evaluation {
  Metrics metrics;             ///< over the model's labels
  std::vector<Fault> skipped;  ///< "genre the model does not know"
  std::size_t trained_on = 0;  ///< examples that the model was fitted on: then the scores flatter
};

/// Examples of which only a block at a time need be in memory.
struct LabelledBlock {
  Matrix features;
  std::vector<int> labels;  ///< of each row, among the model's
};
/// Fills the block; false when there are no more.
using BlockReader = std::function<bool(LabelledBlock&)>;

/// The metrics over all blocks; one prediction for each row. `groups`: as measure() takes them. Throws Error when there
/// is no row, and as the model does.
Metrics evaluate(const Model& model, const BlockReader& next, std::span<const std::string> groups, std::uint64_t seed);

/// The same for records of a pack whose labels are the model's. Damaged records are left out.
Metrics evaluate(const Model& model, BatchStream& batches, std::uint64_t seed);

/// The same for these rows of the examples; genres are matched by name. Throws Error when the features are of another
/// recipe than the model's, or when no row is left.
Evaluation evaluate(const Model& model, const Examples& examples, const std::vector<std::size_t>& rows,
                    std::uint64_t seed);

/// A short print of each row's numbers, by which an example is known again whatever its name: 12 hexadecimal digits.
std::vector<std::string> row_fingerprints(const Matrix& values, const std::vector<std::size_t>& rows);

/// The rows that the model has not learnt from, by the prints in its facts.
std::vector<std::size_t> unseen_rows(const Model& model, const Examples& examples);

}  // namespace genrewise
