// A model that is there already, judged on examples.
#pragma once

#include <string>
#include <vector>

#include "genrewise/data_source/examples.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/models/model.hpp"

namespace genrewise {

struct Evaluation {
  Metrics metrics;              ///< over the model's labels
  std::vector<Fault> skipped;   ///< "genre the model does not know"
  std::size_t learnt_from = 0;  ///< examples judged that the model had learnt from: then the scores flatter
};

/// Judges the model on these rows of the examples; genres are matched by name. Throws Error when the features are of
/// another recipe than the model's, or when no row is left.
Evaluation evaluate(const Model& model, const Examples& examples, const std::vector<std::size_t>& rows,
                    std::uint64_t seed);

/// A short print of each row's numbers, by which an example is known again whatever its name: 12 hexadecimal digits.
std::vector<std::string> row_prints(const Matrix& values, const std::vector<std::size_t>& rows);

/// The rows that the model has not learnt from, by the prints in its facts.
std::vector<std::size_t> unseen_rows(const Model& model, const Examples& examples);

}  // namespace genrewise
