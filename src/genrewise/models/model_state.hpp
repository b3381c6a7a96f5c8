// Checks of the saved state of classifiers.
#pragma once

#include <cstddef>
#include <string>

namespace genrewise {

class TensorArchive;

/// Throws Error unless the state that a classifier has saved under `prefix` is for this many labels and columns. Call
/// it before Classifier::load(), which allocates memory in proportion to them.
void require_state_of(const TensorArchive& archive, const std::string& prefix, std::size_t labels, std::size_t columns);

}  // namespace genrewise
