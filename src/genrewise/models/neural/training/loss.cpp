#include "genrewise/models/neural/training/loss.hpp"

#include <ATen/ATen.h>

#include "genrewise/models/neural/layers/network.hpp"

namespace genrewise::neural {

BatchLoss cross_entropy(const LossConfig& config, const at::Tensor& logits, const Batch& batch) {
  const auto classes = static_cast<std::size_t>(config.classes);
  const auto smoothed = static_cast<float>(config.label_smoothing);
  at::Tensor targets = at::full({static_cast<std::int64_t>(batch.size), config.classes},
                                smoothed / static_cast<float>(classes), at::kFloat);
  float* target = targets.data_ptr<float>();
  BatchLoss loss;
  for (std::size_t i = 0; i < batch.size; ++i) {
    const auto label = static_cast<std::size_t>(batch.labels[i]);
    const float other = batch.other_shares.empty() ? 0 : batch.other_shares[i];
    float* row = target + i * classes;
    row[label] += (1 - smoothed) * (1 - other);
    float weight = config.class_weights.empty() ? 1 : config.class_weights[label] * (1 - other);
    if (other > 0) {
      const auto second = static_cast<std::size_t>(batch.other_labels[i]);
      row[second] += (1 - smoothed) * other;
      if (!config.class_weights.empty()) weight += config.class_weights[second] * other;
    }
    if (!config.class_weights.empty())
      for (std::size_t c = 0; c < classes; ++c) row[c] *= weight;
    loss.weight += weight;
  }
  const at::Tensor wide = logits.to(at::kFloat);
  const at::Tensor labels =
      at::from_blob(const_cast<int*>(batch.labels.data()), {static_cast<std::int64_t>(batch.size)}, at::kInt);
  loss.sum = -(at::log_softmax(wide, 1) * sent_to(targets, wide.device())).sum();
  const at::Tensor hits = (wide.detach().argmax(1) == sent_to(labels, wide.device())).sum();
  loss.outcome = at::stack({loss.sum.detach().to(at::kDouble), hits.to(at::kDouble)});
  return loss;
}

}  // namespace genrewise::neural
