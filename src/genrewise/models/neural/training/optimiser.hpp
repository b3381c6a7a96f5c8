// Adam, AdamW and SGD over a network's weights.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "genrewise/models/neural/layers/network.hpp"
#include "genrewise/models/neural/training/settings.hpp"

namespace genrewise::neural {

/// Kingma and Ba (2015), Loshchilov and Hutter (2019); the same steps as PyTorch's optimisers of these names with
/// beta 0.9 and 0.999, epsilon 1e-8. On the processor a weight is read and written once in a step, by all threads; on
/// a GPU libtorch's operations over lists take all weights in a few launches.
class Optimiser {
 public:
  /// `own_loops`: false takes libtorch's operations on the processor too.
  Optimiser(const TrainerConfig& config, Network& network, bool own_loops = true);

  /// Forgets all steps.
  void reset();
  /// Forgets the gradients.
  void clear();
  /// sqrt of the sum of all squared gradients; not finite when one is not.
  double gradient_norm() const;
  /// One step with the gradients times `gradient_scale`. The body learns at config.body_rate of the rate. Weights
  /// without a gradient (frozen, or not used) stay.
  void step(double rate, double gradient_scale);

  void save(TensorArchive& archive, const std::string& prefix) const;
  void load(const TensorArchive& archive, const std::string& prefix);

 private:
  struct Slot {
    std::size_t weight = 0;    // which of the network's
    at::Tensor first, second;  // moments; SGD has the first only
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
