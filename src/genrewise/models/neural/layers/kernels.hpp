// CPU kernels for the layers of cnn1d, as loops over matrix products. Free of libtorch.
//
// libtorch runs convolution, ReLU and pooling as three passes over tensors that do not fit into any cache, and its
// pooling stores an 8-byte index per value. Here one tile passes through all three operations while it is in the cache,
// and the backward pass needs one byte per value. At most one of two positions that are pooled has a gradient, so the
// backward pass sums over those only, which saves more than half of its arithmetic. Sums over examples are taken in a
// fixed order, so results are the same for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace genrewise::neural {

struct ConvShape {
  std::size_t examples = 0, in = 0, out = 0, time = 0;  ///< time: length of the input, at least 4
  bool y_by_channel = false;                            ///< y (not `chosen`) is examples x out x pooled()
  std::size_t pooled() const { return (time - 2) / 2; }
};

/// Conv1d with kernel 3 and valid padding, ReLU, MaxPool1d(2) (an odd last position is dropped).
/// x: examples x time x in; weight: out x in x 3; y: examples x pooled() x out; chosen (same shape as y): 1 where the
/// first of the two positions was larger, 2 for the second, 0 where the result is 0.
void conv3_relu_pool2_forward(const ConvShape& shape, const float* x, const float* weight, const float* bias, float* y,
                              std::uint8_t* chosen);

/// Backward pass; grad_y has y's shape. grad_x may be null. grad_weight and grad_bias are overwritten.
void conv3_relu_pool2_backward(const ConvShape& shape, const float* x, const float* weight, const float* grad_y,
                               const std::uint8_t* chosen, float* grad_x, float* grad_weight, float* grad_bias);

/// y = x W^T + b for many inputs. x: examples x inputs; W: outputs x inputs; y: examples x outputs.
struct LinearShape {
  std::size_t examples = 0, inputs = 0, outputs = 0;
};
void wide_linear_forward(const LinearShape& shape, const float* x, const float* weight, const float* bias, float* y);
/// Backward pass. grad_x may be null. grad_weight and grad_bias are overwritten.
void wide_linear_backward(const LinearShape& shape, const float* x, const float* weight, const float* grad_y,
                          float* grad_x, float* grad_weight, float* grad_bias);

/// For the kernels themselves: a sparse row, as factors of rows of a matrix, which begin at the offsets.
struct SparseRow {
  std::uint32_t* offsets;
  float* factors;
  std::size_t count;
};

}  // namespace genrewise::neural
