// The list of all classifiers. A new one is one line here, and one file that defines its descriptor:
//
//     const ClassifierDescriptor& nearest_neighbours() {
//       static const ClassifierDescriptor descriptor = {.kind = "knn", ...};
//       return descriptor;
//     }
#pragma once

#include "genrewise/models/classifier.hpp"

/// In listing order.
#define GENREWISE_CLASSIFIERS(ENTRY) \
  ENTRY(gaussian_naive_bayes)        \
  ENTRY(nearest_neighbours)          \
  ENTRY(logistic_regression)         \
  ENTRY(support_vector_machine)      \
  ENTRY(linear_svm)                  \
  ENTRY(nearest_centroid)            \
  ENTRY(perceptron)                  \
  ENTRY(linear_discriminant)         \
  ENTRY(quadratic_discriminant)      \
  ENTRY(decision_tree)               \
  ENTRY(random_forest)               \
  ENTRY(adaboost)                    \
  ENTRY(gradient_boosting)           \
  ENTRY(voting)                      \
  ENTRY(zero_shot)

namespace genrewise {

#define GENREWISE_DECLARE(name) const ClassifierDescriptor& name();
GENREWISE_CLASSIFIERS(GENREWISE_DECLARE)
#undef GENREWISE_DECLARE

/// Throws Error unless the state that a classifier has saved under `prefix` is for this many labels and columns. Call
/// it before Classifier::load(), which allocates memory in proportion to them.
void require_state_of(const TensorArchive& archive, const std::string& prefix, std::size_t labels, std::size_t columns);

}  // namespace genrewise
