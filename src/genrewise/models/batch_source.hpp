// Training batches for Classifier::fit_batches(), so that the examples need not be in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/random.hpp"
#include "genrewise/packs/batches.hpp"

namespace genrewise {

struct BatchRequest {
  std::size_t batch_size = 32;  ///< of all ranks together
  std::uint64_t seed = kDefaultSeed;
  std::uint64_t epochs = 1;
  int rank = 0, ranks = 1;
  std::optional<BatchPosition> start = std::nullopt;
};

/// Training examples.
struct BatchSource {
  std::size_t values = 0;  ///< numbers per example
  int label_count = 0;
  std::vector<std::size_t> label_sizes;  ///< examples of each label in the training part
  std::string fingerprint;               ///< differs where examples, labels or parts differ
  /// Batches of the training part, shuffled anew for each epoch.
  std::function<std::unique_ptr<BatchStream>(const BatchRequest&)> training;
  /// One pass over the validation part; empty: there is none.
  std::function<std::unique_ptr<BatchStream>(const BatchRequest&)> validation;

  std::size_t training_examples() const {
    std::size_t sum = 0;
    for (const std::size_t size : label_sizes) sum += size;
    return sum;
  }
};

}  // namespace genrewise
