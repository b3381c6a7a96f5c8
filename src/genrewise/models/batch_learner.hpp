// Learners that learn from batches, so that their examples need not be in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/models/classifier.hpp"
#include "genrewise/packs/batches.hpp"

namespace genrewise {

struct BatchRequest {
  std::size_t batch_size = 32;  ///< of all ranks together
  std::uint64_t seed = kDefaultSeed;
  std::uint64_t epochs = 1;
  int rank = 0, ranks = 1;
  std::optional<BatchPosition> start = std::nullopt;
};

/// Examples to learn from.
struct BatchSource {
  std::size_t values = 0;  ///< numbers per example
  int label_count = 0;
  std::vector<std::size_t> label_sizes;  ///< examples of each label in the training part
  std::string fingerprint;               ///< another one when other examples, labels or parts are meant
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

class BatchLearner : public Classifier {
 public:
  /// As fit(), but the validation part, where there is one, tells when to end and which weights to keep. Throws
  /// Interrupted after a checkpoint is in the run folder (FitContext), from which the same call goes on.
  virtual void fit_batches(const BatchSource& source) = 0;
};

}  // namespace genrewise
