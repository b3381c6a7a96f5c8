#include "genrewise/models/neural/layers/layers.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <utility>

#include "genrewise/models/neural/layers/kernels.hpp"

namespace genrewise::neural {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

std::size_t size_at(const at::Tensor& tensor, int dimension) {
  return static_cast<std::size_t>(tensor.size(dimension));
}

bool plain(const at::Tensor& tensor) {
  return tensor.is_cpu() && tensor.scalar_type() == at::kFloat;
}

/// A layer of kernels.hpp with weight and bias as an operation of libtorch. Kernels::forward(x, weight, bias) returns y
/// and what the backward pass needs besides x and weight; layout_x() and layout_y() convert from libtorch's layout to
/// the kernels', and torch_x() and torch_y() back, where possible without a copy.
template <class Kernels>
struct Custom : public torch::autograd::Function<Custom<Kernels>> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& any_x, const at::Tensor& any_weight,
                            const at::Tensor& bias) {
    const at::Tensor x = Kernels::layout_x(any_x), weight = any_weight.contiguous();
    const auto [y, more] = Kernels::forward(x, weight, bias);
    context->save_for_backward({x, weight, more});
    context->saved_data["needs_grad_x"] = any_x.requires_grad();
    return Kernels::torch_y(y);
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], grad_y = Kernels::layout_y(gradients[0]);
    at::Tensor grad_x = context->saved_data["needs_grad_x"].toBool() ? at::empty_like(x) : at::Tensor();
    at::Tensor grad_weight = at::empty_like(weight), grad_bias = at::empty({weight.size(0)}, weight.options());
    Kernels::backward(x, weight, saved[2], grad_y.data_ptr<float>(),
                      grad_x.defined() ? grad_x.data_ptr<float>() : nullptr, grad_weight.data_ptr<float>(),
                      grad_bias.data_ptr<float>());
    return {grad_x.defined() ? Kernels::torch_x(grad_x) : grad_x, grad_weight, grad_bias};
  }
};

/// `Flat`: y is examples x (channels x positions), else examples x channels x positions.
template <bool Flat>
struct ConvReluPool {
  static at::Tensor layout_x(const at::Tensor& x) { return x.transpose(1, 2).contiguous(); }
  static at::Tensor torch_x(const at::Tensor& x) { return x.transpose(1, 2); }
  static at::Tensor layout_y(const at::Tensor& y) { return Flat ? y.contiguous() : layout_x(y); }
  static at::Tensor torch_y(const at::Tensor& y) { return Flat ? y.view({y.size(0), -1}) : torch_x(y); }
  static ConvShape shape_of(const at::Tensor& x, const at::Tensor& weight) {
    return {size_at(x, 0), size_at(x, 2), size_at(weight, 0), size_at(x, 1), Flat};
  }
  static std::pair<at::Tensor, at::Tensor> forward(const at::Tensor& x, const at::Tensor& weight,
                                                   const at::Tensor& bias) {
    const ConvShape shape = shape_of(x, weight);
    at::Tensor y = at::empty({x.size(0), static_cast<std::int64_t>(shape.pooled()), weight.size(0)}, x.options());
    at::Tensor chosen = at::empty(y.sizes(), at::kByte);
    conv3_relu_pool2_forward(shape, x.data_ptr<float>(), weight.data_ptr<float>(), bias.data_ptr<float>(),
                             y.data_ptr<float>(), chosen.data_ptr<std::uint8_t>());
    return {y, chosen};
  }
  static void backward(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& chosen, const float* grad_y,
                       float* grad_x, float* grad_weight, float* grad_bias) {
    conv3_relu_pool2_backward(shape_of(x, weight), x.data_ptr<float>(), weight.data_ptr<float>(), grad_y,
                              chosen.data_ptr<std::uint8_t>(), grad_x, grad_weight, grad_bias);
  }
};

struct WideLinear {
  static at::Tensor layout_x(const at::Tensor& x) { return x.contiguous(); }
  static at::Tensor torch_x(const at::Tensor& x) { return x; }
  static at::Tensor layout_y(const at::Tensor& y) { return y.contiguous(); }
  static at::Tensor torch_y(const at::Tensor& y) { return y; }
  static LinearShape shape_of(const at::Tensor& x, const at::Tensor& weight) {
    return {size_at(x, 0), size_at(x, 1), size_at(weight, 0)};
  }
  static std::pair<at::Tensor, at::Tensor> forward(const at::Tensor& x, const at::Tensor& weight,
                                                   const at::Tensor& bias) {
    at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options());
    wide_linear_forward(shape_of(x, weight), x.data_ptr<float>(), weight.data_ptr<float>(), bias.data_ptr<float>(),
                        y.data_ptr<float>());
    return {y, at::Tensor()};
  }
  static void backward(const at::Tensor& x, const at::Tensor& weight, const at::Tensor&, const float* grad_y,
                       float* grad_x, float* grad_weight, float* grad_bias) {
    wide_linear_backward(shape_of(x, weight), x.data_ptr<float>(), weight.data_ptr<float>(), grad_y, grad_x,
                         grad_weight, grad_bias);
  }
};

}  // namespace

at::Tensor conv3_relu_pool2(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool flat) {
  if (plain(x) && plain(weight))
    return flat ? Custom<ConvReluPool<true>>::apply(x, weight, bias)
                : Custom<ConvReluPool<false>>::apply(x, weight, bias);
  const at::Tensor y = at::max_pool1d(at::relu(at::conv1d(x, weight, bias)), 2);
  return flat ? y.flatten(1) : y;
}

at::Tensor WeightMaker::empty(const std::string& name, const std::vector<std::int64_t>& shape) const {
  if (request_.saved != nullptr) require_weight(*request_.saved, request_.prefix + name, shape);
  return at::empty(shape, at::kFloat);
}

at::Tensor WeightMaker::add(const std::string& name, at::Tensor value, bool trainable, bool decays) {
  value.set_requires_grad(trainable);
  weights_.push_back({name, value, trainable, decays, body_});
  return value;
}

at::Tensor WeightMaker::uniform(const std::string& name, const std::vector<std::int64_t>& shape, double bound,
                                bool decays) {
  at::Tensor value = empty(name, shape);
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
  return add(name, empty(name, shape).zero_(), true, decays);
}

at::Tensor WeightMaker::filled(const std::string& name, std::vector<std::int64_t> shape, float value, bool trainable) {
  return add(name, empty(name, shape).fill_(value), trainable, false);
}

Linear::Linear(WeightMaker& make, const std::string& name, std::int64_t in, std::int64_t out) {
  weight = make.weight(name + ".weight", {out, in});
  bias = make.bias(name + ".bias", out, in);
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  if (plain(x) && plain(weight) && x.dim() == 2) return Custom<WideLinear>::apply(x, weight, bias);
  return at::linear(x, weight, bias);
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
