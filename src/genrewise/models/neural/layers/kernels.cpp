#include "genrewise/models/neural/layers/kernels.hpp"

#include <algorithm>
#include <cstring>

#include "genrewise/base/parallel.hpp"
#include "genrewise/models/classical/blas.hpp"

namespace genrewise::neural {
namespace {

using blas::Form;
using Const = blas::View<const float>;
using Mutable = blas::View<float>;

constexpr std::size_t kTile = 256;  // pooled positions per tile: its values stay in the second-level cache
constexpr std::size_t kTaps = 3;
constexpr std::size_t kGroups = 8;         // groups of examples whose gradients are summed separately and added in order
constexpr std::size_t kInputBlock = 8192;  // inputs per block of a wide layer

/// out x in x 3 -> 3 matrices of out x in.
std::vector<float> by_tap(const ConvShape& shape, const float* weight) {
  const std::size_t size = shape.out * shape.in;
  std::vector<float> taps(kTaps * size);
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t k = 0; k < kTaps; ++k) taps[k * size + i] = weight[i * kTaps + k];
  return taps;
}

// Eight floats at a time by the compilers' vector extension: GCC does not vectorise loops that mix floats and bytes.
using Eight = float __attribute__((vector_size(32)));
using EightWords = std::int32_t __attribute__((vector_size(32)));
using EightBytes = std::uint8_t __attribute__((vector_size(8)));
constexpr std::size_t kEight = 8;

Eight load(const float* from) {
  Eight value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
void store(float* to, Eight value) {
  std::memcpy(to, &value, sizeof value);
}
EightWords load_choice(const std::uint8_t* from) {
  EightBytes value;
  std::memcpy(&value, from, sizeof value);
  return __builtin_convertvector(value, EightWords);
}
/// `value` where the mask is set, else 0.
Eight where(EightWords mask, Eight value) {
  return reinterpret_cast<Eight>(reinterpret_cast<EightWords>(value) & mask);
}

/// Maximum of two neighbours plus bias, clipped at 0; `chosen` stores which one won.
void pool(Eight first, Eight second, float bias, float* y, std::uint8_t* chosen) {
  const EightWords later = second > first;
  const Eight value = where(later, second) + where(~later, first) + bias;
  const EightWords positive = value > 0;
  store(y, where(positive, value));
  const EightBytes which = __builtin_convertvector((1 - later) & positive, EightBytes);  // a set mask is -1
  std::memcpy(chosen, &which, sizeof which);
}
void pool(float first, float second, float bias, float* y, std::uint8_t* chosen) {
  const float value = (second > first ? second : first) + bias;
  *y = value > 0 ? value : 0;
  *chosen = static_cast<std::uint8_t>(value > 0 ? (second > first ? 2 : 1) : 0);
}

void pool_row(const float* pairs, float bias, std::size_t count, float* y, std::uint8_t* chosen) {
  std::size_t p = 0;
  for (; p + kEight <= count; p += kEight) {
    const Eight a = load(pairs + 2 * p), b = load(pairs + 2 * p + kEight);
    pool(__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14),
         __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15), bias, y + p, chosen + p);
  }
  for (; p < count; ++p) pool(pairs[2 * p], pairs[2 * p + 1], bias, y + p, chosen + p);
}

/// One input channel: the taps are applied without a matrix product. even and odd: the samples at 2p and 2p + 1.
void one_channel_row(const float* even, const float* odd, const float* w, float bias, std::size_t count, float* y,
                     std::uint8_t* chosen) {
  const float w0 = w[0], w1 = w[1], w2 = w[2];
  std::size_t p = 0;
  for (; p + kEight <= count; p += kEight) {
    const Eight e = load(even + p), o = load(odd + p), next_e = load(even + p + 1), next_o = load(odd + p + 1);
    pool(w0 * e + w1 * o + w2 * next_e, w0 * o + w1 * next_e + w2 * next_o, bias, y + p, chosen + p);
  }
  for (; p < count; ++p)
    pool(w0 * even[p] + w1 * odd[p] + w2 * even[p + 1], w0 * odd[p] + w1 * even[p + 1] + w2 * odd[p + 1], bias, y + p,
         chosen + p);
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

/// Routes each gradient to the position that won the pooling. Returns the sum of the gradients.
float unpool_row(const float* grad_y, const std::uint8_t* chosen, std::size_t count, float* pairs) {
  Eight sums{};
  std::size_t p = 0;
  for (; p + kEight <= count; p += kEight) {
    const Eight g = load(grad_y + p);
    const EightWords c = load_choice(chosen + p);
    const Eight first = where(c == 1, g), second = where(c == 2, g);
    sums += first + second;
    store(pairs + 2 * p, __builtin_shufflevector(first, second, 0, 8, 1, 9, 2, 10, 3, 11));
    store(pairs + 2 * p + kEight, __builtin_shufflevector(first, second, 4, 12, 5, 13, 6, 14, 7, 15));
  }
  float sum = 0;
  for (std::size_t lane = 0; lane < kEight; ++lane) sum += sums[lane];
  for (; p < count; ++p) {
    pairs[2 * p] = chosen[p] == 1 ? grad_y[p] : 0;
    pairs[2 * p + 1] = chosen[p] == 2 ? grad_y[p] : 0;
    sum += pairs[2 * p] + pairs[2 * p + 1];
  }
  return sum;
}

/// Gradient sums of one group of examples.
struct Gradient {
  std::vector<float> taps, bias;  // 3 x out x in, out
  explicit Gradient(const ConvShape& shape) : taps(kTaps * shape.out * shape.in), bias(shape.out) {}
};

void backward_one_channel(const ConvShape& shape, const float* x, const float* grad_y, const std::uint8_t* chosen,
                          Gradient& gradient) {
  const std::size_t pooled = shape.pooled();
  const Halves halves(x, pooled);
  const float *even = halves.even.data(), *odd = halves.odd.data();
  for (std::size_t o = 0; o < shape.out; ++o) {
    const float* g = grad_y + o * pooled;
    const std::uint8_t* c = chosen + o * pooled;
    Eight sums[kTaps + 1] = {};
    std::size_t p = 0;
    for (; p + kEight <= pooled; p += kEight) {
      const EightWords choice = load_choice(c + p);
      const Eight first = where(choice == 1, load(g + p)), second = where(choice == 2, load(g + p));
      const Eight e = load(even + p), d = load(odd + p), next_e = load(even + p + 1), next_d = load(odd + p + 1);
      sums[0] += first * e + second * d;
      sums[1] += first * d + second * next_e;
      sums[2] += first * next_e + second * next_d;
      sums[3] += first + second;
    }
    float sum[kTaps + 1] = {};
    for (; p < pooled; ++p) {
      const float first = c[p] == 1 ? g[p] : 0, second = c[p] == 2 ? g[p] : 0;
      sum[0] += first * even[p] + second * odd[p];
      sum[1] += first * odd[p] + second * even[p + 1];
      sum[2] += first * even[p + 1] + second * odd[p + 1];
      sum[3] += first + second;
    }
    for (std::size_t lane = 0; lane < kEight; ++lane)
      for (std::size_t k = 0; k <= kTaps; ++k) sum[k] += sums[k][lane];
    for (std::size_t k = 0; k < kTaps; ++k) gradient.taps[k * shape.out + o] += sum[k];
    gradient.bias[o] += sum[kTaps];
  }
}

/// Accumulates this example's input gradient into grad_x (zeroed by the caller); null: not computed.
void backward_example(const ConvShape& shape, const float* x, const std::vector<float>& taps, const float* grad_y,
                      const std::uint8_t* chosen, float* grad_x, Gradient& gradient) {
  const std::size_t pooled = shape.pooled(), size = shape.out * shape.in;
  std::vector<float> tile(shape.out * 2 * kTile);
  for (std::size_t at = 0; at < pooled; at += kTile) {
    const std::size_t count = std::min(kTile, pooled - at), width = 2 * count;
    for (std::size_t o = 0; o < shape.out; ++o) {
      gradient.bias[o] += unpool_row(grad_y + o * pooled + at, chosen + o * pooled + at, count, tile.data() + o * width);
    }
    const Const grad_tile(tile.data(), shape.out, width);
    for (std::size_t k = 0; k < kTaps; ++k) {
      blas::multiply(Form::nt, 1.0F, grad_tile, Const(x + 2 * at + k, shape.in, width, shape.time), 1.0F,
                     Mutable(gradient.taps.data() + k * size, shape.out, shape.in));
      if (grad_x != nullptr)
        blas::multiply(Form::tn, 1.0F, Const(taps.data() + k * size, shape.out, shape.in), grad_tile, 1.0F,
                       Mutable(grad_x + 2 * at + k, shape.in, width, shape.time));
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
  const std::size_t x_size = shape.in * shape.time, y_size = shape.out * shape.pooled();
  parallel_for(shape.examples, [&](std::size_t i, int) {
    if (shape.in == 1) {
      forward_one_channel(shape, x + i * x_size, weight, bias, y + i * y_size, chosen + i * y_size);
    } else {
      forward_example(shape, x + i * x_size, taps, bias, y + i * y_size, chosen + i * y_size);
    }
  });
}

void conv3_relu_pool2_backward(const ConvShape& shape, const float* x, const float* weight, const float* grad_y,
                               const std::uint8_t* chosen, float* grad_x, float* grad_weight, float* grad_bias) {
  const std::vector<float> taps = by_tap(shape, weight);
  const std::size_t x_size = shape.in * shape.time, y_size = shape.out * shape.pooled(), size = shape.out * shape.in;
  const std::size_t groups = std::min(kGroups, shape.examples);
  std::vector<Gradient> sums(groups, Gradient(shape));
  parallel_for(groups, [&](std::size_t group, int) {
    for (std::size_t i = group; i < shape.examples; i += groups) {
      const float* own_x = x + i * x_size;
      float* own_grad_x = grad_x == nullptr ? nullptr : grad_x + i * x_size;
      if (own_grad_x != nullptr) std::memset(own_grad_x, 0, x_size * sizeof(float));
      if (shape.in == 1 && own_grad_x == nullptr) {
        backward_one_channel(shape, own_x, grad_y + i * y_size, chosen + i * y_size, sums[group]);
      } else {
        backward_example(shape, own_x, taps, grad_y + i * y_size, chosen + i * y_size, own_grad_x, sums[group]);
      }
    }
  });
  std::fill_n(grad_weight, kTaps * size, 0.0F);
  std::fill_n(grad_bias, shape.out, 0.0F);
  for (const Gradient& sum : sums) {
    for (std::size_t k = 0; k < kTaps; ++k)
      for (std::size_t i = 0; i < size; ++i) grad_weight[i * kTaps + k] += sum.taps[k * size + i];
    for (std::size_t o = 0; o < shape.out; ++o) grad_bias[o] += sum.bias[o];
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

void wide_linear_backward(const LinearShape& shape, const float* x, const float* weight, const float* grad_y, float* grad_x,
                          float* grad_weight, float* grad_bias) {
  const Const gradient(grad_y, shape.examples, shape.outputs);
  parallel_for(blocks_of(shape.inputs), [&](std::size_t block, int) {
    const std::size_t first = block * kInputBlock, count = std::min(kInputBlock, shape.inputs - first);
    blas::multiply(Form::tn, 1.0F, gradient, Const(x + first, shape.examples, count, shape.inputs), 0.0F,
                   Mutable(grad_weight + first, shape.outputs, count, shape.inputs));
    if (grad_x == nullptr) return;
    blas::multiply(Form::nn, 1.0F, gradient, Const(weight + first, shape.outputs, count, shape.inputs), 0.0F,
                   Mutable(grad_x + first, shape.examples, count, shape.inputs));
  });
  std::fill_n(grad_bias, shape.outputs, 0.0F);
  for (std::size_t i = 0; i < shape.examples; ++i)
    for (std::size_t o = 0; o < shape.outputs; ++o) grad_bias[o] += grad_y[i * shape.outputs + o];
}

}  // namespace genrewise::neural
