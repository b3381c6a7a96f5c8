#include "genrewise/models/neural/layers/kernels.hpp"

#include <algorithm>
#include <cstring>

#include "genrewise/base/parallel.hpp"
#include "genrewise/models/classical/blas.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/models/neural/layers/kernels.cpp"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::neural::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Floats>;
using Words = hn::RebindToSigned<Floats>;
using Bytes = hn::Rebind<std::uint8_t, Floats>;

/// Maximum of two neighbours plus bias, clipped at 0; `chosen` stores which one won.
HWY_INLINE void pool(Vector first, Vector second, float bias, float* y, std::uint8_t* chosen) {
  const Floats d;
  const Words words;
  const auto value = hn::Add(hn::Max(first, second), hn::Set(d, bias));
  hn::StoreU(hn::Max(value, hn::Zero(d)), d, y);
  const auto winner =
      hn::IfThenElse(hn::RebindMask(words, hn::Gt(second, first)), hn::Set(words, 2), hn::Set(words, 1));
  const auto kept = hn::IfThenElseZero(hn::RebindMask(words, hn::Gt(value, hn::Zero(d))), winner);
  hn::StoreU(hn::DemoteTo(Bytes(), kept), Bytes(), chosen);
}
void pool(float first, float second, float bias, float* y, std::uint8_t* chosen) {
  const float value = (second > first ? second : first) + bias;
  *y = value > 0 ? value : 0;
  *chosen = static_cast<std::uint8_t>(value > 0 ? (second > first ? 2 : 1) : 0);
}

/// `value` where `chosen` is `which`, else 0.
HWY_INLINE Vector where(const std::uint8_t* chosen, int which, Vector value) {
  const Words words;
  const auto choice = hn::PromoteTo(words, hn::LoadU(Bytes(), chosen));
  return hn::IfThenElseZero(hn::RebindMask(Floats(), hn::Eq(choice, hn::Set(words, which))), value);
}

void pool_row(const float* pairs, float bias, std::size_t count, float* y, std::uint8_t* chosen) {
  const Floats d;
  std::size_t p = 0;
  for (; p + hn::Lanes(d) <= count; p += hn::Lanes(d)) {
    Vector first, second;
    hn::LoadInterleaved2(d, pairs + 2 * p, first, second);
    pool(first, second, bias, y + p, chosen + p);
  }
  for (; p < count; ++p) pool(pairs[2 * p], pairs[2 * p + 1], bias, y + p, chosen + p);
}

/// One input channel: the taps are applied without a matrix product. even and odd: the samples at 2p and 2p + 1.
void one_channel_row(const float* even, const float* odd, const float* w, float bias, std::size_t count, float* y,
                     std::uint8_t* chosen) {
  const Floats d;
  const auto w0 = hn::Set(d, w[0]), w1 = hn::Set(d, w[1]), w2 = hn::Set(d, w[2]);
  const auto sum = [&](Vector a, Vector b, Vector c)
                       HWY_ATTR { return hn::MulAdd(w2, c, hn::MulAdd(w1, b, hn::Mul(w0, a))); };
  std::size_t p = 0;
  for (; p + hn::Lanes(d) <= count; p += hn::Lanes(d)) {
    const auto e = hn::LoadU(d, even + p), o = hn::LoadU(d, odd + p);
    const auto next_e = hn::LoadU(d, even + p + 1), next_o = hn::LoadU(d, odd + p + 1);
    pool(sum(e, o, next_e), sum(o, next_e, next_o), bias, y + p, chosen + p);
  }
  for (; p < count; ++p)
    pool(w[0] * even[p] + w[1] * odd[p] + w[2] * even[p + 1], w[0] * odd[p] + w[1] * even[p + 1] + w[2] * odd[p + 1],
         bias, y + p, chosen + p);
}

/// Routes each gradient to the position that won the pooling. Returns the sum of the gradients.
float unpool_row(const float* grad_y, const std::uint8_t* chosen, std::size_t count, float* pairs) {
  const Floats d;
  auto sums = hn::Zero(d);
  std::size_t p = 0;
  for (; p + hn::Lanes(d) <= count; p += hn::Lanes(d)) {
    const auto g = hn::LoadU(d, grad_y + p), first = where(chosen + p, 1, g), second = where(chosen + p, 2, g);
    sums = hn::Add(sums, hn::Add(first, second));
    hn::StoreInterleaved2(first, second, d, pairs + 2 * p);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, sums));
  for (; p < count; ++p) {
    pairs[2 * p] = chosen[p] == 1 ? grad_y[p] : 0;
    pairs[2 * p + 1] = chosen[p] == 2 ? grad_y[p] : 0;
    sum += pairs[2 * p] + pairs[2 * p + 1];
  }
  return sum;
}

/// Gradients of the taps and the bias of a filter on one input channel, to sum[0] .. sum[3].
void one_channel_gradient(const float* even, const float* odd, const float* g, const std::uint8_t* c, std::size_t count,
                          float* sum) {
  const Floats d;
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  std::size_t p = 0;
  for (; p + hn::Lanes(d) <= count; p += hn::Lanes(d)) {
    const auto grad = hn::LoadU(d, g + p), first = where(c + p, 1, grad), second = where(c + p, 2, grad);
    const auto e = hn::LoadU(d, even + p), o = hn::LoadU(d, odd + p);
    const auto next_e = hn::LoadU(d, even + p + 1), next_o = hn::LoadU(d, odd + p + 1);
    s0 = hn::MulAdd(first, e, hn::MulAdd(second, o, s0));
    s1 = hn::MulAdd(first, o, hn::MulAdd(second, next_e, s1));
    s2 = hn::MulAdd(first, next_e, hn::MulAdd(second, next_o, s2));
    s3 = hn::Add(s3, hn::Add(first, second));
  }
  const Vector sums[] = {s0, s1, s2, s3};
  for (std::size_t k = 0; k < 4; ++k) sum[k] = hn::GetLane(hn::SumOfLanes(d, sums[k]));
  for (; p < count; ++p) {
    const float first = c[p] == 1 ? g[p] : 0, second = c[p] == 2 ? g[p] : 0;
    sum[0] += first * even[p] + second * odd[p];
    sum[1] += first * odd[p] + second * even[p + 1];
    sum[2] += first * even[p + 1] + second * odd[p + 1];
    sum[3] += first + second;
  }
}

}  // namespace
}  // namespace genrewise::neural::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise::neural {
namespace {

using blas::Form;
using Const = blas::View<const float>;
using Mutable = blas::View<float>;

constexpr std::size_t kTile = 256;  // pooled positions per tile: its values stay in the second-level cache
constexpr std::size_t kTaps = 3;
constexpr std::size_t kGroups = 8;  // groups of examples whose gradients are summed separately and added in order
constexpr std::size_t kInputBlock = 8192;  // inputs per block of a wide layer

/// out x in x 3 -> 3 matrices of out x in.
std::vector<float> by_tap(const ConvShape& shape, const float* weight) {
  const std::size_t size = shape.out * shape.in;
  std::vector<float> taps(kTaps * size);
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t k = 0; k < kTaps; ++k) taps[k * size + i] = weight[i * kTaps + k];
  return taps;
}

HWY_EXPORT(pool_row);
HWY_EXPORT(one_channel_row);
HWY_EXPORT(unpool_row);
HWY_EXPORT(one_channel_gradient);

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
    HWY_DYNAMIC_DISPATCH(one_channel_row)
    (halves.even.data(), halves.odd.data(), weight + o * kTaps, bias[o], pooled, y + o * pooled, chosen + o * pooled);
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
      HWY_DYNAMIC_DISPATCH(pool_row)
      (tile.data() + o * width, bias[o], count, y + o * pooled + at, chosen + o * pooled + at);
  }
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
  for (std::size_t o = 0; o < shape.out; ++o) {
    float sum[kTaps + 1];
    HWY_DYNAMIC_DISPATCH(one_channel_gradient)
    (halves.even.data(), halves.odd.data(), grad_y + o * pooled, chosen + o * pooled, pooled, sum);
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
      gradient.bias[o] += HWY_DYNAMIC_DISPATCH(unpool_row)(grad_y + o * pooled + at, chosen + o * pooled + at, count,
                                                           tile.data() + o * width);
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

void wide_linear_backward(const LinearShape& shape, const float* x, const float* weight, const float* grad_y,
                          float* grad_x, float* grad_weight, float* grad_bias) {
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
#endif
