// Adam, AdamW and SGD over a network's weights.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "genrewise/models/neural/layers/network.hpp"
#include "genrewise/models/neural/training/settings.hpp"

namespace genrewise::neural {

/// Kingma and Ba (2015), Loshchilov and Hutter (2019); the same updates as PyTorch's optimisers of these names with
/// beta 0.9 and 0.999, epsilon 1e-8. On the CPU each weight is read and written once per step, on all threads; on a GPU
/// libtorch's foreach operations update all weights in a few kernel launches.
class Optimiser {
 public:
  /// `own_loops`: false uses libtorch's operations on the CPU as well.
  Optimiser(const TrainerConfig& config, Network& network, bool own_loops = true);

  /// Resets all moments and step counts.
  void reset();
  /// Clears the gradients.
  void clear();
  /// sqrt of the sum of all squared gradients; not finite when any gradient is not.
  double gradient_norm() const;
  /// One step with the gradients times `gradient_scale`. The body's rate is config.body_rate times `rate`. Weights without
  /// a gradient (frozen, or unused) are unchanged.
  void step(double rate, double gradient_scale);

  void save(TensorArchive& archive, const std::string& prefix) const;
  void load(const TensorArchive& archive, const std::string& prefix);

 private:
  struct Slot {
    std::size_t weight = 0;    // index among the network's weights
    at::Tensor first, second;  // moments; SGD has only the first
    std::int64_t steps = 0;
  };
  void step_on_processor(const Slot& slot, std::int64_t begin, std::int64_t end, double rate, double scale);
  void step_by_lists(const std::vector<Slot*>& slots, double rate, double scale);
  double rate_of(const Weight& weight, double rate) const { return weight.body ? rate * config_.body_rate : rate; }

  TrainerConfig config_;
  Network& network_;
  bool own_loops_;
  std::vector<Slot> slots_;
};

}  // namespace genrewise::neural
