// A network on raw audio: the study's plus strides, batch normalisation and pooling over time.
#include "genrewise/models/networks/network_descriptor.hpp"

#ifndef GENREWISE_LIBTORCH  // compiled into the plain library

namespace genrewise::networks {

const ClassifierDescriptor& cnn1d_strided() {
  static const ClassifierDescriptor descriptor = network_descriptor(
      {.kind = "cnn1d_strided",
       .title = "Strided 1-D CNN on raw audio",
       .summary = "five batch-normalised convolutions of stride 4 and 2, pooled over time; train it on raw10k",
       .parameters = {dropout_parameter("0.5")},
       .defaults = {{"optimiser", "adamw"},
                    {"weight_decay", "0.01"},
                    {"schedule", "cosine"},
                    {"warmup_epochs", "2"},
                    {"gain_db", "6"}}});
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

/// Five convolutions of stride 4 and 2, each batch-normalised, then the mean and the maximum over time.
class StridedCnn1d final : public Network {
 public:
  StridedCnn1d(const NetworkRequest& request, double dropout_share) : Network({1, request.inputs}) {
    constexpr std::size_t kLeast = 1024;
    if (request.inputs < kLeast)
      throw Error(fmt::format("takes at least {} samples, not {}", kLeast, request.inputs), "cnn1d_strided",
                  "train it on raw10k");
    Rng rng(derive_seed(request.seed, "cnn1d_strided start"));
    WeightMaker make(weights(), rng, request);
    struct Shape {
      std::int64_t out, kernel, stride;
    };
    constexpr Shape kShapes[] = {{32, 64, 4}, {64, 16, 4}, {64, 8, 4}, {128, 8, 2}, {128, 3, 1}};
    std::int64_t channels = 1;
    for (const Shape& shape : kShapes) {
      const std::string name = "conv" + std::to_string(convolutions_.size() + 1);
      convolutions_.emplace_back(make, name, channels, shape.out, shape.kernel, shape.stride);
      norms_.emplace_back(make, name + ".norm", shape.out);
      channels = shape.out;
    }
    head_ = Head(make, "head", 2 * channels, {}, request.classes, dropout_share, false);
    head_.input_dropout = dropout_share;
  }

  at::Tensor forward(const at::Tensor& examples, const Pass& pass) const override {
    at::Tensor x = examples.unsqueeze(1);
    for (std::size_t i = 0; i < convolutions_.size(); ++i) x = at::relu(norms_[i](convolutions_[i](x), pass));
    return head_(at::cat({x.mean(2), x.amax(2)}, 1), pass);
  }

 private:
  std::vector<Conv1d> convolutions_;
  std::vector<BatchNorm> norms_;
  Head head_;
};

}  // namespace

NetworkKind cnn1d_strided_kind() {
  return {.make = [](const ParameterValues& parameters, const NetworkRequest& request) {
    return std::make_unique<StridedCnn1d>(request, parameters.number("dropout"));
  }};
}

}  // namespace genrewise::neural

#endif
