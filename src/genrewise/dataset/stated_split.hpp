// For split.cpp: completes a split that the data states in part.
#pragma once

#include "genrewise/dataset/split.hpp"

namespace genrewise {

/// Keeps the stated parts and carves missing ones out of training, as described at make_split() for `automatic`. The
/// result has the given `scheme`. Throws Error if a part must be carved out and no group of examples can leave
/// training.
Split complete_split(const SplitSubjects& subjects, const std::vector<std::optional<Part>>& stated, SplitScheme scheme,
                     const SplitConfig& config);

}  // namespace genrewise
