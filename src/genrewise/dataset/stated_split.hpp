// For split.cpp: a split that the data states in part.
#pragma once

#include "genrewise/dataset/split.hpp"

namespace genrewise {

/// The split with these parts, and with what they lack as make_split() says of `automatic`. `scheme` is the result's.
/// Throws Error when a part must be carved out of training and no group of examples can leave it.
Split complete_split(const SplitSubjects& subjects, const std::vector<std::optional<Part>>& stated, SplitScheme scheme,
                     const SplitConfig& config);

}  // namespace genrewise
