#include "genrewise/models/neural/networks/kernels.hpp"

#include <algorithm>
#include <cstring>

#include "genrewise/base/parallel.hpp"
#include "genrewise/models/classical/blas.hpp"

namespace genrewise::neural {
namespace {

using blas::Form;
using Const = blas::View<const float>;
using Mutable = blas::View<float>;

constexpr std::size_t kTile = 256;  // pooled positions of a tile: its numbers stay in the second-level cache
constexpr std::size_t kTaps = 3;
constexpr std::size_t kGroups = 8;         // of examples, whose sums are kept apart and added in order
constexpr std::size_t kInputBlock = 8192;  // inputs of a block of a wide layer

/// out x in x 3 -> 3 matrices of out x in.
std::vector<float> by_tap(const ConvShape& shape, const float* weight) {
  const std::size_t size = shape.out * shape.in;
  std::vector<float> taps(kTaps * size);
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t k = 0; k < kTaps; ++k) taps[k * size + i] = weight[i * kTaps + k];
  return taps;
}

/// The larger of two neighbours with the bias, cut at 0, and which it was.
void pool_row(const float* __restrict pairs, float bias, std::size_t count, float* __restrict y,
              std::uint8_t* __restrict chosen) {
  for (std::size_t p = 0; p < count; ++p) {
    const float first = pairs[2 * p], second = pairs[2 * p + 1];
    const float value = (second > first ? second : first) + bias;
    y[p] = value > 0 ? value : 0;
    chosen[p] = static_cast<std::uint8_t>(value > 0 ? (second > first ? 2 : 1) : 0);
  }
}

/// One channel in: the taps are applied without a matrix product. even and odd: the samples at 2p and 2p + 1.
void one_channel_row(const float* __restrict even, const float* __restrict odd, const float* w, float bias,
                     std::size_t count, float* __restrict y, std::uint8_t* __restrict chosen) {
  const float w0 = w[0], w1 = w[1], w2 = w[2];
  for (std::size_t p = 0; p < count; ++p) {
    const float first = w0 * even[p] + w1 * odd[p] + w2 * even[p + 1];
    const float second = w0 * odd[p] + w1 * even[p + 1] + w2 * odd[p + 1];
    const float value = (second > first ? second : first) + bias;
    y[p] = value > 0 ? value : 0;
    chosen[p] = static_cast<std::uint8_t>(value > 0 ? (second > first ? 2 : 1) : 0);
  }
}

struct Halves {
  std::vector<float> even, odd;
  Halves(const float* x, std::size_t pooled) : even(pooled + 1), odd(pooled + 1) {
    for (std::size_t p = 0; p <= pooled; ++p) even[p] = x[2 * p], odd[p] = x[2 * p + 1];
  }
};

void forward_one_channel(const ConvShape& shape, const float* x, const float* weight, const float* bias, float* y,
                         std::uint8_t* chosen) {
  const std::size_t pooled = shape.pooled();
  const Halves halves(x, pooled);
  for (std::size_t o = 0; o < shape.out; ++o)
    one_channel_row(halves.even.data(), halves.odd.data(), weight + o * kTaps, bias[o], pooled, y + o * pooled,
                    chosen + o * pooled);
}

void forward_example(const ConvShape& shape, const float* x, const std::vector<float>& taps, const float* bias,
                     float* y, std::uint8_t* chosen) {
  const std::size_t pooled = shape.pooled(), size = shape.out * shape.in;
  std::vector<float> tile(shape.out * 2 * kTile);
  for (std::size_t at = 0; at < pooled; at += kTile) {
    const std::size_t count = std::min(kTile, pooled - at), width = 2 * count;
    for (std::size_t k = 0; k < kTaps; ++k)
      blas::multiply(Form::nn, 1.0F, Const(taps.data() + k * size, shape.out, shape.in),
                     Const(x + 2 * at + k, shape.in, width, shape.time), k == 0 ? 0.0F : 1.0F,
                     Mutable(tile.data(), shape.out, width));
    for (std::size_t o = 0; o < shape.out; ++o)
      pool_row(tile.data() + o * width, bias[o], count, y + o * pooled + at, chosen + o * pooled + at);
  }
}

/// Puts each gradient to the position that won.
void unpool_row(const float* __restrict of_y, const std::uint8_t* __restrict chosen, std::size_t count,
                float* __restrict pairs) {
  for (std::size_t p = 0; p < count; ++p) {
    pairs[2 * p] = chosen[p] == 1 ? of_y[p] : 0;
    pairs[2 * p + 1] = chosen[p] == 2 ? of_y[p] : 0;
  }
}

/// Sums of a group of examples.
struct Gradient {
  std::vector<float> taps, bias;  // 3 x out x in, out
  explicit Gradient(const ConvShape& shape) : taps(kTaps * shape.out * shape.in), bias(shape.out) {}
};

void backward_one_channel(const ConvShape& shape, const float* x, const float* of_y, const std::uint8_t* chosen,
                          Gradient& gradient) {
  constexpr std::size_t kLanes = 8;  // independent sums, which the compiler puts into vector registers
  const std::size_t pooled = shape.pooled();
  const Halves halves(x, pooled);
  const float *even = halves.even.data(), *odd = halves.odd.data();
  for (std::size_t o = 0; o < shape.out; ++o) {
    const float* g = of_y + o * pooled;
    const std::uint8_t* c = chosen + o * pooled;
    float sums[4][kLanes] = {};
    const auto add = [&](std::size_t p, std::size_t lane) {
      const float first = c[p] == 1 ? g[p] : 0, second = c[p] == 2 ? g[p] : 0;
      sums[0][lane] += first * even[p] + second * odd[p];
      sums[1][lane] += first * odd[p] + second * even[p + 1];
      sums[2][lane] += first * even[p + 1] + second * odd[p + 1];
      sums[3][lane] += first + second;
    };
    std::size_t p = 0;
    for (; p + kLanes <= pooled; p += kLanes)
      for (std::size_t lane = 0; lane < kLanes; ++lane) add(p + lane, lane);
    for (; p < pooled; ++p) add(p, 0);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      for (std::size_t k = 0; k < kTaps; ++k) gradient.taps[k * shape.out + o] += sums[k][lane];
      gradient.bias[o] += sums[3][lane];
    }
  }
}

/// of_x (zeros before) gets this example's; null: not wanted.
void backward_example(const ConvShape& shape, const float* x, const std::vector<float>& taps, const float* of_y,
                      const std::uint8_t* chosen, float* of_x, Gradient& gradient) {
  const std::size_t pooled = shape.pooled(), size = shape.out * shape.in;
  std::vector<float> tile(shape.out * 2 * kTile);
  for (std::size_t at = 0; at < pooled; at += kTile) {
    const std::size_t count = std::min(kTile, pooled - at), width = 2 * count;
    for (std::size_t o = 0; o < shape.out; ++o) {
      float* row = tile.data() + o * width;
      unpool_row(of_y + o * pooled + at, chosen + o * pooled + at, count, row);
      float sum = 0;
      for (std::size_t t = 0; t < width; ++t) sum += row[t];
      gradient.bias[o] += sum;
    }
    const Const of_tile(tile.data(), shape.out, width);
    for (std::size_t k = 0; k < kTaps; ++k) {
      blas::multiply(Form::nt, 1.0F, of_tile, Const(x + 2 * at + k, shape.in, width, shape.time), 1.0F,
                     Mutable(gradient.taps.data() + k * size, shape.out, shape.in));
      if (of_x != nullptr)
        blas::multiply(Form::tn, 1.0F, Const(taps.data() + k * size, shape.out, shape.in), of_tile, 1.0F,
                       Mutable(of_x + 2 * at + k, shape.in, width, shape.time));
    }
  }
}

std::size_t blocks_of(std::size_t inputs) {
  return (inputs + kInputBlock - 1) / kInputBlock;
}

}  // namespace

void conv3_relu_pool2_forward(const ConvShape& shape, const float* x, const float* weight, const float* bias, float* y,
                              std::uint8_t* chosen) {
  const std::vector<float> taps = by_tap(shape, weight);
  const std::size_t of_x = shape.in * shape.time, of_y = shape.out * shape.pooled();
  parallel_for(shape.examples, [&](std::size_t i, int) {
    if (shape.in == 1) {
      forward_one_channel(shape, x + i * of_x, weight, bias, y + i * of_y, chosen + i * of_y);
    } else {
      forward_example(shape, x + i * of_x, taps, bias, y + i * of_y, chosen + i * of_y);
    }
  });
}

void conv3_relu_pool2_backward(const ConvShape& shape, const float* x, const float* weight, const float* of_y,
                               const std::uint8_t* chosen, float* of_x, float* of_weight, float* of_bias) {
  const std::vector<float> taps = by_tap(shape, weight);
  const std::size_t x_size = shape.in * shape.time, y_size = shape.out * shape.pooled(), size = shape.out * shape.in;
  const std::size_t groups = std::min(kGroups, shape.examples);
  std::vector<Gradient> sums(groups, Gradient(shape));
  parallel_for(groups, [&](std::size_t group, int) {
    for (std::size_t i = group; i < shape.examples; i += groups) {
      const float* own_x = x + i * x_size;
      float* own_of_x = of_x == nullptr ? nullptr : of_x + i * x_size;
      if (own_of_x != nullptr) std::memset(own_of_x, 0, x_size * sizeof(float));
      if (shape.in == 1 && own_of_x == nullptr) {
        backward_one_channel(shape, own_x, of_y + i * y_size, chosen + i * y_size, sums[group]);
      } else {
        backward_example(shape, own_x, taps, of_y + i * y_size, chosen + i * y_size, own_of_x, sums[group]);
      }
    }
  });
  std::fill_n(of_weight, kTaps * size, 0.0F);
  std::fill_n(of_bias, shape.out, 0.0F);
  for (const Gradient& sum : sums) {
    for (std::size_t k = 0; k < kTaps; ++k)
      for (std::size_t i = 0; i < size; ++i) of_weight[i * kTaps + k] += sum.taps[k * size + i];
    for (std::size_t o = 0; o < shape.out; ++o) of_bias[o] += sum.bias[o];
  }
}

void wide_linear_forward(const LinearShape& shape, const float* x, const float* weight, const float* bias, float* y) {
  const std::size_t blocks = blocks_of(shape.inputs), size = shape.examples * shape.outputs;
  std::vector<float> parts(blocks * size);
  parallel_for(blocks, [&](std::size_t block, int) {
    const std::size_t first = block * kInputBlock, count = std::min(kInputBlock, shape.inputs - first);
    blas::multiply(Form::nt, 1.0F, Const(x + first, shape.examples, count, shape.inputs),
                   Const(weight + first, shape.outputs, count, shape.inputs), 0.0F,
                   Mutable(parts.data() + block * size, shape.examples, shape.outputs));
  });
  for (std::size_t i = 0; i < size; ++i) y[i] = bias[i % shape.outputs];
  for (std::size_t block = 0; block < blocks; ++block)
    for (std::size_t i = 0; i < size; ++i) y[i] += parts[block * size + i];
}

void wide_linear_backward(const LinearShape& shape, const float* x, const float* weight, const float* of_y, float* of_x,
                          float* of_weight, float* of_bias) {
  const Const gradient(of_y, shape.examples, shape.outputs);
  parallel_for(blocks_of(shape.inputs), [&](std::size_t block, int) {
    const std::size_t first = block * kInputBlock, count = std::min(kInputBlock, shape.inputs - first);
    blas::multiply(Form::tn, 1.0F, gradient, Const(x + first, shape.examples, count, shape.inputs), 0.0F,
                   Mutable(of_weight + first, shape.outputs, count, shape.inputs));
    if (of_x == nullptr) return;
    blas::multiply(Form::nn, 1.0F, gradient, Const(weight + first, shape.outputs, count, shape.inputs), 0.0F,
                   Mutable(of_x + first, shape.examples, count, shape.inputs));
  });
  std::fill_n(of_bias, shape.outputs, 0.0F);
  for (std::size_t i = 0; i < shape.examples; ++i)
    for (std::size_t o = 0; o < shape.outputs; ++o) of_bias[o] += of_y[i * shape.outputs + o];
}

}  // namespace genrewise::neural
