// Cross-entropy with soft labels and class weights. Private to this module.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "genrewise/packs/batches.hpp"

namespace genrewise::neural {

struct LossConfig {
  int classes = 0;
  double label_smoothing = 0;
  std::vector<float> class_weights = {};  ///< empty: all 1
};

struct BatchLoss {
  at::Tensor sum;      ///< sum of the examples' weighted losses; has a gradient
  double weight = 0;   ///< sum of the examples' weights
  at::Tensor outcome;  ///< two doubles on the logits' device: the loss sum, the number of correct predictions
};

/// The loss of a batch's logits: -sum of target x log softmax, where the target is 1 at the label (shared with the second
/// label of a mixed example), smoothed towards 1/classes.
BatchLoss cross_entropy(const LossConfig& config, const at::Tensor& logits, const Batch& batch);

}  // namespace genrewise::neural
