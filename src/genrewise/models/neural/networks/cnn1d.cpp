// The networks on raw audio: the study's, layer for layer, and one that shows what the idea can do.
#include <ATen/ATen.h>
#include <fmt/format.h>

#include "genrewise/base/error.hpp"
#include "genrewise/models/neural/networks/conv_relu_pool.hpp"
#include "genrewise/models/neural/networks/layers.hpp"

namespace genrewise::neural {
namespace {

/// Conv1D(128, 3, ReLU) - MaxPool 2 - Conv1D(64, 3, ReLU) - MaxPool 2 - Flatten - Dense(100, ReLU) - Dropout 0.5 -
/// Dense(20, ReLU) - Dropout 0.5 - Dense(classes). 16,014,640 parameters for 10,000 samples and 8 classes. It starts as
/// Keras' layers do, which the study used.
class Cnn1d final : public Network {
 public:
  Cnn1d(const NetworkRequest& request, double dropout_share) : Network({1, request.inputs}) {
    constexpr std::size_t kLeast = 10;  // samples that leave one number behind the second pooling
    if (request.inputs < kLeast)
      throw Error(fmt::format("takes at least {} samples, not {}", kLeast, request.inputs), "cnn1d",
                  "train it on raw10k");
    Rng rng(derive_seed(request.seed, "cnn1d start"));
    WeightMaker make(weights(), rng, false, Start::keras);
    first_ = Conv1d(make, "conv1", 1, 128, 3);
    second_ = Conv1d(make, "conv2", 128, 64, 3);
    const auto pooled = static_cast<std::int64_t>(((request.inputs - 2) / 2 - 2) / 2);
    head_ = Head(make, "head", 64 * pooled, {100, 20}, request.classes, dropout_share, false);
  }

  at::Tensor forward(const at::Tensor& examples, const Pass& pass) const override {
    at::Tensor x = conv3_relu_pool2(examples.unsqueeze(1), first_.weight, first_.bias);
    x = conv3_relu_pool2(x, second_.weight, second_.bias);
    return head_(x.flatten(1), pass);
  }

 private:
  Conv1d first_, second_;
  Head head_;
};

/// Five convolutions of stride 4 and 2, each batch-normalised, and the mean and the maximum over time.
class StridedCnn1d final : public Network {
 public:
  StridedCnn1d(const NetworkRequest& request, double dropout_share) : Network({1, request.inputs}) {
    constexpr std::size_t kLeast = 1024;
    if (request.inputs < kLeast)
      throw Error(fmt::format("takes at least {} samples, not {}", kLeast, request.inputs), "cnn1d_strided",
                  "train it on raw10k");
    Rng rng(derive_seed(request.seed, "cnn1d_strided start"));
    WeightMaker make(weights(), rng);
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

NetworkKind cnn1d_kind() {
  return {"cnn1d",
          "1-D CNN on raw audio",
          "two convolutions and three dense layers, as the study's; train it on raw10k",
          {dropout_parameter("0.5")},
          {},
          [](const ParameterValues& parameters, const NetworkRequest& request) {
            return std::make_unique<Cnn1d>(request, parameters.number("dropout"));
          }};
}

NetworkKind cnn1d_strided_kind() {
  return {"cnn1d_strided",
          "Strided 1-D CNN on raw audio",
          "five batch-normalised convolutions of stride 4 and 2, pooled over time; train it on raw10k",
          {dropout_parameter("0.5")},
          {{"optimiser", "adamw"},
           {"weight_decay", "0.01"},
           {"schedule", "cosine"},
           {"warmup_epochs", "2"},
           {"gain_db", "6"}},
          [](const ParameterValues& parameters, const NetworkRequest& request) {
            return std::make_unique<StridedCnn1d>(request, parameters.number("dropout"));
          }};
}

}  // namespace genrewise::neural
