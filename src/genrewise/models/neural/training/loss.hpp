// Cross-entropy with soft labels and class weights. Private to the neural room.
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
  at::Tensor sum;      ///< of the examples' weighted losses; it has a gradient
  double weight = 0;   ///< of the examples together
  at::Tensor outcome;  ///< two doubles where the logits are: sum, and how many examples got their label
};

/// The loss of a batch's logits: -sum of target x log softmax, where a target is the label's 1 (and a mixed example's
/// second label's share), smoothed towards 1/classes.
BatchLoss cross_entropy(const LossConfig& config, const at::Tensor& logits, const Batch& batch);

}  // namespace genrewise::neural
