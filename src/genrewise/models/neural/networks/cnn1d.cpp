// The study's network on raw audio, layer by layer.
#include "genrewise/models/networks/network_descriptor.hpp"

#ifndef GENREWISE_LIBTORCH  // compiled into the plain library

namespace genrewise::networks {

const ClassifierDescriptor& cnn1d() {
  static const ClassifierDescriptor descriptor =
      network_descriptor({.kind = "cnn1d",
                          .title = "1-D CNN on raw audio",
                          .summary = "two convolutions and three dense layers, as in the study; train it on raw10k",
                          .parameters = {dropout_parameter("0.5")}});
  return descriptor;
}

}  // namespace genrewise::networks

#else  // compiled into genrewise-neural

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "genrewise/base/error.hpp"
#include "genrewise/models/neural/layers/layers.hpp"

namespace genrewise::neural {
namespace {

/// Conv1D(128, 3, ReLU) - MaxPool 2 - Conv1D(64, 3, ReLU) - MaxPool 2 - Flatten - Dense(100, ReLU) - Dropout 0.5 -
/// Dense(20, ReLU) - Dropout 0.5 - Dense(classes). 16,014,640 parameters for 10,000 samples and 8 classes. Initialised
/// as Keras layers are, which the study used.
class Cnn1d final : public Network {
 public:
  Cnn1d(const NetworkRequest& request, double dropout_share) : Network({1, request.inputs}) {
    constexpr std::size_t kLeast = 10;  // samples that leave one value after the second pooling
    if (request.inputs < kLeast)
      throw Error(fmt::format("takes at least {} samples, not {}", kLeast, request.inputs), "cnn1d",
                  "train it on raw10k");
    Rng rng(derive_seed(request.seed, "cnn1d start"));
    WeightMaker make(weights(), rng, request, false, Start::keras);
    first_ = Conv1d(make, "conv1", 1, 128, 3);
    second_ = Conv1d(make, "conv2", 128, 64, 3);
    const auto pooled = static_cast<std::int64_t>(((request.inputs - 2) / 2 - 2) / 2);
    head_ = Head(make, "head", 64 * pooled, {100, 20}, request.classes, dropout_share, false);
  }

  at::Tensor forward(const at::Tensor& examples, const Pass& pass) const override {
    const at::Tensor x = conv3_relu_pool2(examples.unsqueeze(1), first_.weight, first_.bias);
    return head_(conv3_relu_pool2(x, second_.weight, second_.bias, true), pass);
  }

 private:
  Conv1d first_, second_;
  Head head_;
};

}  // namespace

NetworkKind cnn1d_kind() {
  return {.make =
              [](const ParameterValues& parameters, const NetworkRequest& request) {
                return std::make_unique<Cnn1d>(request, parameters.number("dropout"));
              },
          .one_libtorch_thread = true};
}

}  // namespace genrewise::neural

#endif
