#include "genrewise/models/neural/layers/conv_relu_pool.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "genrewise/models/neural/layers/kernels.hpp"

namespace genrewise::neural {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

std::size_t size_at(const at::Tensor& tensor, int dimension) {
  return static_cast<std::size_t>(tensor.size(dimension));
}

ConvShape conv_shape(const at::Tensor& x, const at::Tensor& weight) {
  return {size_at(x, 0), size_at(x, 1), size_at(weight, 0), size_at(x, 2)};
}

LinearShape linear_shape(const at::Tensor& x, const at::Tensor& weight) {
  return {size_at(x, 0), size_at(x, 1), size_at(weight, 0)};
}

bool plain(const at::Tensor& tensor) {
  return tensor.is_cpu() && tensor.scalar_type() == at::kFloat;
}

struct ConvReluPool : public torch::autograd::Function<ConvReluPool> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& any_x, const at::Tensor& any_weight,
                            const at::Tensor& bias) {
    const at::Tensor x = any_x.contiguous(), weight = any_weight.contiguous();
    const ConvShape shape = conv_shape(x, weight);
    const auto pooled = static_cast<std::int64_t>(shape.pooled());
    at::Tensor y = at::empty({x.size(0), weight.size(0), pooled}, x.options());
    at::Tensor chosen = at::empty(y.sizes(), at::kByte);
    conv3_relu_pool2_forward(shape, x.data_ptr<float>(), weight.data_ptr<float>(), bias.data_ptr<float>(),
                             y.data_ptr<float>(), chosen.data_ptr<std::uint8_t>());
    context->save_for_backward({x, weight, chosen});
    context->saved_data["needs_grad_x"] = any_x.requires_grad();
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &chosen = saved[2];
    const at::Tensor grad_y = gradients[0].contiguous();
    at::Tensor grad_x = context->saved_data["needs_grad_x"].toBool() ? at::empty_like(x) : at::Tensor();
    at::Tensor grad_weight = at::empty_like(weight), grad_bias = at::empty({weight.size(0)}, weight.options());
    conv3_relu_pool2_backward(conv_shape(x, weight), x.data_ptr<float>(), weight.data_ptr<float>(),
                              grad_y.data_ptr<float>(), chosen.data_ptr<std::uint8_t>(),
                              grad_x.defined() ? grad_x.data_ptr<float>() : nullptr, grad_weight.data_ptr<float>(),
                              grad_bias.data_ptr<float>());
    return {grad_x, grad_weight, grad_bias};
  }
};

struct WideLinear : public torch::autograd::Function<WideLinear> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& any_x, const at::Tensor& any_weight,
                            const at::Tensor& bias) {
    const at::Tensor x = any_x.contiguous(), weight = any_weight.contiguous();
    at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options());
    wide_linear_forward(linear_shape(x, weight), x.data_ptr<float>(), weight.data_ptr<float>(), bias.data_ptr<float>(),
                        y.data_ptr<float>());
    context->save_for_backward({x, weight});
    context->saved_data["needs_grad_x"] = any_x.requires_grad();
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const at::Tensor grad_y = gradients[0].contiguous();
    at::Tensor grad_x = context->saved_data["needs_grad_x"].toBool() ? at::empty_like(x) : at::Tensor();
    at::Tensor grad_weight = at::empty_like(weight), grad_bias = at::empty({weight.size(0)}, weight.options());
    wide_linear_backward(linear_shape(x, weight), x.data_ptr<float>(), weight.data_ptr<float>(), grad_y.data_ptr<float>(),
                         grad_x.defined() ? grad_x.data_ptr<float>() : nullptr, grad_weight.data_ptr<float>(),
                         grad_bias.data_ptr<float>());
    return {grad_x, grad_weight, grad_bias};
  }
};

}  // namespace

at::Tensor conv3_relu_pool2(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (plain(x) && plain(weight)) return ConvReluPool::apply(x, weight, bias);
  return at::max_pool1d(at::relu(at::conv1d(x, weight, bias)), 2);
}

at::Tensor wide_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (plain(x) && plain(weight) && x.dim() == 2) return WideLinear::apply(x, weight, bias);
  return at::linear(x, weight, bias);
}

}  // namespace genrewise::neural
