// Layers of cnn1d as functions of tensors: custom kernels on the CPU (kernels.hpp), libtorch's operations elsewhere.
#pragma once

#include <ATen/core/Tensor.h>

namespace genrewise::neural {

/// MaxPool1d(2)(ReLU(Conv1d(x))) with kernel 3 and valid padding. x: examples x in x time.
at::Tensor conv3_relu_pool2(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// x W^T + b, for any number of inputs.
at::Tensor wide_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace genrewise::neural
