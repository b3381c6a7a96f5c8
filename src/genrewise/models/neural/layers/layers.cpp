#include "genrewise/models/neural/layers/layers.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "genrewise/models/neural/layers/conv_relu_pool.hpp"

namespace genrewise::neural {

at::Tensor WeightMaker::add(const std::string& name, at::Tensor value, bool trainable, bool decays) {
  value.set_requires_grad(trainable);
  weights_.push_back({name, value, trainable, decays, body_});
  return value;
}

at::Tensor WeightMaker::uniform(const std::string& name, const std::vector<std::int64_t>& shape, double bound,
                                bool decays) {
  at::Tensor value = at::empty(shape, at::kFloat);
  auto* at = value.data_ptr<float>();
  for (std::int64_t i = 0; i < value.numel(); ++i) at[i] = static_cast<float>(bound * (2 * rng_.uniform() - 1));
  return add(name, value, true, decays);
}

at::Tensor WeightMaker::weight(const std::string& name, std::vector<std::int64_t> shape) {
  std::int64_t field = 1;
  for (std::size_t i = 2; i < shape.size(); ++i) field *= shape[i];
  const auto in = static_cast<double>(shape[1] * field), out = static_cast<double>(shape[0] * field);
  return uniform(name, shape, start_ == Start::keras ? std::sqrt(6 / (in + out)) : 1 / std::sqrt(in), true);
}

at::Tensor WeightMaker::bias(const std::string& name, std::int64_t out, std::int64_t fan_in) {
  if (start_ == Start::keras) return zeros(name, {out}, false);
  return uniform(name, {out}, 1 / std::sqrt(static_cast<double>(fan_in)), false);
}

at::Tensor WeightMaker::zeros(const std::string& name, std::vector<std::int64_t> shape, bool decays) {
  return add(name, at::zeros(shape, at::kFloat), true, decays);
}

at::Tensor WeightMaker::filled(const std::string& name, std::vector<std::int64_t> shape, float value, bool trainable) {
  return add(name, at::full(shape, value, at::kFloat), trainable, false);
}

Linear::Linear(WeightMaker& make, const std::string& name, std::int64_t in, std::int64_t out) {
  weight = make.weight(name + ".weight", {out, in});
  bias = make.bias(name + ".bias", out, in);
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  return wide_linear(x, weight, bias);
}

Conv1d::Conv1d(WeightMaker& make, const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
               std::int64_t by)
    : stride(by) {
  weight = make.weight(name + ".weight", {out, in, kernel});
  bias = make.bias(name + ".bias", out, in * kernel);
}

at::Tensor Conv1d::operator()(const at::Tensor& x) const {
  return at::conv1d(x, weight, bias, stride);
}

BatchNorm::BatchNorm(WeightMaker& make, const std::string& name, std::int64_t channels, double least, double share)
    : momentum(share), epsilon(least) {
  weight = make.filled(name + ".weight", {channels}, 1);
  bias = make.filled(name + ".bias", {channels}, 0);
  mean = make.filled(name + ".running_mean", {channels}, 0, false);
  variance = make.filled(name + ".running_var", {channels}, 1, false);
}

at::Tensor BatchNorm::operator()(const at::Tensor& x, const Pass& pass) const {
  // A frozen layer keeps its running statistics; a batch of one example has no statistics of its own.
  const bool own_statistics = pass.training && weight.requires_grad() && (x.dim() > 2 || x.size(0) > 1);
  return at::batch_norm(x, weight, bias, mean, variance, own_statistics, momentum, epsilon, true);
}

at::Tensor dropout(const at::Tensor& x, double share, const Pass& pass) {
  if (!pass.training || share <= 0) return x;
  at::Tensor mask = at::empty(x.sizes(), at::kFloat);
  auto* at = mask.data_ptr<float>();
  const auto kept = static_cast<float>(1 / (1 - share));
  for (std::int64_t i = 0; i < mask.numel(); ++i) at[i] = pass.noise->uniform() < share ? 0.0F : kept;
  return x * sent_to(mask, x.device());
}

Head::Head(WeightMaker& make, const std::string& name, std::int64_t inputs, const std::vector<int>& hidden, int classes,
           double share, bool batch_norm)
    : dropout_share(share) {
  for (const int width : hidden) {
    const std::string layer = name + "." + std::to_string(layers.size());
    layers.emplace_back(make, layer, inputs, width);
    if (batch_norm) norms.emplace_back(make, layer + ".norm", width);
    inputs = width;
  }
  layers.emplace_back(make, name + ".out", inputs, classes);
}

at::Tensor Head::operator()(at::Tensor x, const Pass& pass) const {
  x = dropout(x, input_dropout, pass);
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
    x = layers[i](x);
    if (!norms.empty()) x = norms[i](x, pass);
    x = dropout(at::relu(x), dropout_share, pass);
  }
  return layers.back()(x);
}

}  // namespace genrewise::neural
