// Layers of the study's network as loops over matrix products, for the processor. No libtorch in here.
//
// libtorch runs convolution, ReLU and pooling as three passes over tensors that do not fit into any cache, and its
// pooling keeps an 8-byte index per number. Here one tile goes through all three while it is in the cache, and what
// the way back needs is one byte per number. Sums over examples are taken in a fixed order, so that results are the
// same for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace genrewise::neural {

struct ConvShape {
  std::size_t examples = 0, in = 0, out = 0, time = 0;  ///< time: of the input, at least 4
  std::size_t pooled() const { return (time - 2) / 2; }
};

/// Conv1d of kernel 3 with valid padding, ReLU, and MaxPool1d of 2 (a last odd one is dropped).
/// x: examples x in x time; weight: out x in x 3; y: examples x out x pooled(); chosen (as many as y): which of the two
/// positions won: 1 the first, 2 the second, 0 where the result is 0.
void conv3_relu_pool2_forward(const ConvShape& shape, const float* x, const float* weight, const float* bias, float* y,
                              std::uint8_t* chosen);

/// The way back: of_y as y. of_x may be null. of_weight and of_bias are overwritten.
void conv3_relu_pool2_backward(const ConvShape& shape, const float* x, const float* weight, const float* of_y,
                               const std::uint8_t* chosen, float* of_x, float* of_weight, float* of_bias);

/// y = x W^T + b for many inputs: x examples x inputs, W outputs x inputs.
struct LinearShape {
  std::size_t examples = 0, inputs = 0, outputs = 0;
};
void wide_linear_forward(const LinearShape& shape, const float* x, const float* weight, const float* bias, float* y);
/// of_x may be null. of_weight and of_bias are overwritten.
void wide_linear_backward(const LinearShape& shape, const float* x, const float* weight, const float* of_y, float* of_x,
                          float* of_weight, float* of_bias);

}  // namespace genrewise::neural
