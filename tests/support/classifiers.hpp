// Lists of classifier kinds for tests.
#pragma once

#include <string>
#include <vector>

#include "genrewise/models/classifier.hpp"

namespace genrewise::testing {

/// Kinds that are fitted in this process, without genrewise-neural.
inline std::vector<std::string> classical_kinds() {
  std::vector<std::string> kinds;
  for (const ClassifierDescriptor* one : classifier_descriptors())
    if (one->capabilities.trainable && !one->capabilities.neural_program) kinds.push_back(one->kind);
  return kinds;
}

}  // namespace genrewise::testing
