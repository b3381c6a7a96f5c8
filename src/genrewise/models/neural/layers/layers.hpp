// The layers that networks are built from: each registers its weights with the network and is a function of tensors.
// Initial weights come from genrewise's own generator, so they do not depend on the version of libtorch or the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "genrewise/models/neural/layers/network.hpp"

namespace genrewise::neural {

/// Weight initialisation.
enum class Start {
  pytorch,  ///< weights and biases uniform in +-1/sqrt(fan in) (He et al. 2015 with a = sqrt 5)
  keras     ///< weights uniform in +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010), biases 0
};

/// Adds initialised weights to a network, in order. Throws Error for one that request.saved does not have.
class WeightMaker {
 public:
  WeightMaker(std::vector<Weight>& weights, Rng& rng, const NetworkRequest& request, bool body = false,
              Start start = Start::pytorch)
      : weights_(weights), rng_(rng), request_(request), body_(body), start_(start) {}

  /// out x in (x kernel) values, initialised as `start` specifies.
  at::Tensor weight(const std::string& name, std::vector<std::int64_t> shape);
  /// Bias of a layer with `fan_in` inputs per output.
  at::Tensor bias(const std::string& name, std::int64_t out, std::int64_t fan_in);
  /// For weights that are loaded from a file.
  at::Tensor zeros(const std::string& name, std::vector<std::int64_t> shape, bool decays);
  at::Tensor filled(const std::string& name, std::vector<std::int64_t> shape, float value, bool trainable = true);

 private:
  at::Tensor empty(const std::string& name, const std::vector<std::int64_t>& shape) const;
  at::Tensor add(const std::string& name, at::Tensor value, bool trainable, bool decays);
  at::Tensor uniform(const std::string& name, const std::vector<std::int64_t>& shape, double bound, bool decays);
  std::vector<Weight>& weights_;
  Rng& rng_;
  const NetworkRequest& request_;
  bool body_;
  Start start_;
};

/// MaxPool1d(2)(ReLU(Conv1d(x))) with kernel 3 and valid padding. x: examples x in x time; `flat`: the result is
/// examples x (out x pooled time). By genrewise's own kernels on the CPU (kernels.hpp), as Linear, and by libtorch's
/// operations elsewhere.
at::Tensor conv3_relu_pool2(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool flat = false);

/// x W^T + b, for any number of inputs.
struct Linear {
  at::Tensor weight, bias;  // out x in, out
  Linear() = default;
  Linear(WeightMaker& make, const std::string& name, std::int64_t in, std::int64_t out);
  at::Tensor operator()(const at::Tensor& x) const;
};

/// Valid padding. examples x in x time -> examples x out x time.
struct Conv1d {
  at::Tensor weight, bias;  // out x in x kernel, out
  std::int64_t stride = 1;
  Conv1d() = default;
  Conv1d(WeightMaker& make, const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
         std::int64_t stride = 1);
  at::Tensor operator()(const at::Tensor& x) const;
};

/// Batch normalisation over dimension 1.
struct BatchNorm {
  at::Tensor weight, bias, mean, variance;
  double momentum = 0.1, epsilon = 1e-5;
  BatchNorm() = default;
  BatchNorm(WeightMaker& make, const std::string& name, std::int64_t channels, double epsilon = 1e-5,
            double momentum = 0.1);
  at::Tensor operator()(const at::Tensor& x, const Pass& pass) const;
};

/// In training, zeroes a share of the values and scales up the others.
at::Tensor dropout(const at::Tensor& x, double share, const Pass& pass);

/// ReLU(x W^T + b) layers with optional batch normalisation, dropout after each, and a last layer of logits.
struct Head {
  std::vector<Linear> layers;
  std::vector<BatchNorm> norms;  // one per hidden layer, or none
  double dropout_share = 0, input_dropout = 0;
  Head() = default;
  Head(WeightMaker& make, const std::string& name, std::int64_t inputs, const std::vector<int>& hidden, int classes,
       double dropout_share, bool batch_norm);
  at::Tensor operator()(at::Tensor x, const Pass& pass) const;
};

}  // namespace genrewise::neural
