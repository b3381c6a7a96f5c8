#include "genrewise/models/neural/layers/image_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "genrewise/base/aligned.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/neural/layers/product.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/models/neural/layers/image_kernels.cpp"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::neural::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Wide = hn::CappedTag<float, 16>;
using Narrow = hn::CappedTag<float, 8>;

/// Calls body(d, c) for vectors of channels; their number is a multiple of 8.
template <class Body>
HWY_INLINE void for_channels(std::size_t channels, const Body& body) {
  std::size_t c = 0;
  for (; c + hn::MaxLanes(Wide()) <= channels; c += hn::MaxLanes(Wide())) body(Wide(), c);
  for (; c < channels; c += hn::MaxLanes(Narrow())) body(Narrow(), c);
}

/// x86 returns the second operand where one is not a number, so such values stay visible.
template <Activation kActivation, class D, class V>
HWY_INLINE V activate(D d, V x) {
  const auto zero = hn::Zero(d), six = hn::Set(d, 6.0F);
  if constexpr (kActivation == Activation::relu) return hn::Max(zero, x);
  if constexpr (kActivation == Activation::relu6) return hn::Min(six, hn::Max(zero, x));
  if constexpr (kActivation == Activation::hard_swish)
    return hn::Mul(hn::Mul(x, hn::Min(hn::Max(hn::Add(x, hn::Set(d, 3.0F)), zero), six)), hn::Set(d, 1.0F / 6));
  return x;
}

/// `gradient` times the derivative of the activation at x.
template <Activation kActivation, class D, class V>
HWY_INLINE V back_through(D d, V x, V gradient) {
  const auto zero = hn::Zero(d);
  if constexpr (kActivation == Activation::relu) return hn::IfThenElseZero(hn::Gt(x, zero), gradient);
  if constexpr (kActivation == Activation::relu6)
    return hn::IfThenElseZero(hn::And(hn::Gt(x, zero), hn::Lt(x, hn::Set(d, 6.0F))), gradient);
  if constexpr (kActivation == Activation::hard_swish) {
    const auto three = hn::Set(d, 3.0F);
    const auto middle = hn::MulAdd(x, hn::Set(d, 1.0F / 3), hn::Set(d, 0.5F));
    const auto slope = hn::IfThenElse(hn::Ge(x, three), hn::Set(d, 1.0F), middle);
    return hn::IfThenElseZero(hn::Gt(x, hn::Neg(three)), hn::Mul(slope, gradient));
  }
  return gradient;
}

/// Calls body with the activation as a constant.
template <class Body>
HWY_INLINE void with(Activation activation, const Body& body) {
  switch (activation) {
    case Activation::none:
      return body(std::integral_constant<Activation, Activation::none>());
    case Activation::relu:
      return body(std::integral_constant<Activation, Activation::relu>());
    case Activation::relu6:
      return body(std::integral_constant<Activation, Activation::relu6>());
    case Activation::hard_swish:
      return body(std::integral_constant<Activation, Activation::hard_swish>());
  }
}

void map_rows(const ChannelMap& map, const float* z, std::size_t rows, std::size_t channels, float* y) {
  with(map.activation, [&](auto activation) HWY_ATTR {
    for (std::size_t r = 0; r < rows; ++r, z += channels, y += channels)
      for_channels(channels, [&](auto d, std::size_t c) HWY_ATTR {
        const auto x = hn::MulAdd(hn::LoadU(d, z + c), hn::LoadU(d, map.scale + c), hn::LoadU(d, map.shift + c));
        hn::StoreU(activate<activation()>(d, x), d, y + c);
      });
  });
}

/// `rows` rows of the gradient of z, from row `first`; adds them to `sums` where given.
void gradient_rows(const OutputGradient& g, std::size_t first, std::size_t rows, std::size_t channels, float* to,
                   float* sums) {
  with(g.map.activation, [&](auto activation) HWY_ATTR {
    const float *from = g.grad_y + first * channels, *z = g.z + first * channels;
    for (std::size_t r = 0; r < rows; ++r, from += channels, z += channels, to += channels)
      for_channels(channels, [&](auto d, std::size_t c) HWY_ATTR {
        auto value = hn::LoadU(d, from + c);
        const auto own = hn::LoadU(d, z + c);
        if (g.map.scale != nullptr) {
          const auto x = hn::MulAdd(own, hn::LoadU(d, g.map.scale + c), hn::LoadU(d, g.map.shift + c));
          value = back_through<activation()>(d, x, value);
        } else {
          value = back_through<activation()>(d, own, value);
        }
        if (g.slope != nullptr)
          value = hn::MulAdd(value, hn::LoadU(d, g.slope + c),
                             hn::MulAdd(own, hn::LoadU(d, g.slope_z + c), hn::LoadU(d, g.slope_1 + c)));
        hn::StoreU(value, d, to + c);
        if (sums != nullptr) hn::StoreU(hn::Add(value, hn::LoadU(d, sums + c)), d, sums + c);
      });
  });
}

/// Adds each channel's sum of a, and of the product of a and b, over the rows.
void sum_rows(const float* a, const float* b, std::size_t rows, std::size_t channels, double* sums, double* products) {
  constexpr std::size_t kRun = 64;  // rows for whose sums single precision suffices
  for_channels(channels, [&](auto d, std::size_t c) HWY_ATTR {
    for (std::size_t start = 0; start < rows; start += kRun) {
      auto sum = hn::Zero(d), product = hn::Zero(d);
      for (std::size_t r = start; r < std::min(rows, start + kRun); ++r) {
        const auto value = hn::LoadU(d, a + r * channels + c);
        sum = hn::Add(sum, value);
        product = hn::MulAdd(value, hn::LoadU(d, b + r * channels + c), product);
      }
      HWY_ALIGN float both[2][16];
      hn::StoreU(sum, d, both[0]);
      hn::StoreU(product, d, both[1]);
      for (std::size_t lane = 0; lane < hn::MaxLanes(d); ++lane) {
        sums[c + lane] += static_cast<double>(both[0][lane]);
        products[c + lane] += static_cast<double>(both[1][lane]);
      }
    }
  });
}

struct FilterPixel {
  const Tap* taps;
  std::size_t count;
  const float *x, *weight, *bias;
  float low, high;
  float* out;

  template <class D, std::size_t kVectors>
  HWY_INLINE void run(std::size_t c) const {
    const D d;
    constexpr std::size_t kLanes = hn::MaxLanes(D());
    hn::Vec<D> sum[kVectors];
    HWY_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v)
      sum[v] = bias != nullptr ? hn::LoadU(d, bias + c + v * kLanes) : hn::Zero(d);
    for (std::size_t t = 0; t < count; ++t) {
      const float *from = x + taps[t].from + c, *w = weight + taps[t].weight + c;
      HWY_UNROLL(4)
      for (std::size_t v = 0; v < kVectors; ++v)
        sum[v] = hn::MulAdd(hn::LoadU(d, from + v * kLanes), hn::LoadU(d, w + v * kLanes), sum[v]);
    }
    HWY_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v)
      hn::StoreU(hn::Min(hn::Set(d, high), hn::Max(hn::Set(d, low), sum[v])), d, out + c + v * kLanes);
  }
};

/// out = clip(bias + sum over the taps of weight x input), for the channels of one pixel. bias: null for none.
void filter_pixel(const Tap* taps, std::size_t count, const float* x, const float* weight, std::size_t channels,
                  const float* bias, float low, float high, float* out) {
  constexpr std::size_t kLanes = hn::MaxLanes(Wide());
  const FilterPixel pixel{taps, count, x, weight, bias, low, high, out};
  std::size_t c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) pixel.run<Wide, 4>(c);
  for (; c + kLanes <= channels; c += kLanes) pixel.run<Wide, 1>(c);
  for (; c < channels; c += hn::MaxLanes(Narrow())) pixel.run<Narrow, 1>(c);
}

/// Adds the gradient of the weights of the taps at one pixel whose output has the gradient g.
void filter_gradient(const Tap* taps, std::size_t count, const float* x, const float* g, std::size_t channels,
                     float* grad_weight) {
  for_channels(channels, [&](auto d, std::size_t c) HWY_ATTR {
    const auto own = hn::LoadU(d, g + c);
    for (std::size_t t = 0; t < count; ++t) {
      float* const to = grad_weight + taps[t].weight + c;
      hn::StoreU(hn::MulAdd(own, hn::LoadU(d, x + taps[t].from + c), hn::LoadU(d, to)), d, to);
    }
  });
}

}  // namespace
}  // namespace genrewise::neural::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise::neural {
namespace {

HWY_EXPORT(map_rows);
HWY_EXPORT(gradient_rows);
HWY_EXPORT(sum_rows);
HWY_EXPORT(filter_pixel);
HWY_EXPORT(filter_gradient);

constexpr std::size_t kGroups = 8;  // groups of examples whose gradients are summed separately and added in order
constexpr std::size_t kTileFloats = 32 * 1024;  // of a tile that stays in the second-level cache
constexpr std::size_t kMapRows = 1024;          // pixels per item of a parallel loop

struct Limits {
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};
Limits limits_of(Activation activation) {
  Limits limits;
  if (activation != Activation::none) limits.low = 0;
  if (activation == Activation::relu6) limits.high = 6;
  return limits;
}

/// Rows of `channels` values that fill a tile.
std::size_t tile_rows(std::size_t channels) {
  return std::max<std::size_t>(16, kTileFloats / channels);
}

/// `rows` x `columns` values, transposed.
AlignedVector<float> transposed(const float* from, std::size_t rows, std::size_t columns) {
  AlignedVector<float> to(rows * columns);
  blas::transpose<float>({const_cast<float*>(from), rows, columns}, {to.data(), columns, rows});
  return to;
}

/// The taps of a depthwise filter at every output pixel, or (backward) those of the gradient at every input pixel.
class Taps {
 public:
  Taps(const ImageConvolution& shape, bool backward) : shape_(shape), backward_(backward) {
    for (std::size_t y = 0; y < (backward ? shape.in_height : shape.out_height); ++y)
      rows_.push_back(along(y, shape.pad_top, backward ? shape.out_height : shape.in_height));
    width_ = backward ? shape.out_width : shape.in_width;
    for (std::size_t x = 0; x < (backward ? shape.in_width : shape.out_width); ++x)
      columns_.push_back(along(x, shape.pad_left, width_));
  }

  /// Calls body(pixel, shift, taps) for all pixels; `shift` is added to the taps' inputs.
  template <class Body>
  void for_pixels(const Body& body) const {
    std::vector<Tap> taps;
    for (std::size_t y = 0; y < rows_.size(); ++y) {
      std::size_t shift = 0;
      for (std::size_t x = 0; x < columns_.size(); ++x) {
        if (x > 0 && alike(columns_[x - 1], columns_[x])) {  // most pixels have the same taps as their neighbour
          shift += (columns_[x].front().at - columns_[x - 1].front().at) * shape_.in;
        } else {
          shift = 0;
          taps.clear();
          for (const Step& row : rows_[y])
            for (const Step& column : columns_[x])
              taps.push_back(
                  {(row.at * width_ + column.at) * shape_.in, (row.tap * shape_.kernel + column.tap) * shape_.in});
        }
        body(y * columns_.size() + x, shift, std::span<const Tap>(taps));
      }
    }
  }

 private:
  struct Step {
    std::size_t at, tap;
  };
  using Steps = std::vector<Step>;

  /// The positions on the other side that position `at` touches, along one axis.
  Steps along(std::size_t at, std::size_t pad, std::size_t size) const {
    Steps steps;
    for (std::size_t tap = 0; tap < shape_.kernel; ++tap) {
      // Forward: input = at * stride + tap - pad. Backward: output = (at + pad - tap) / stride.
      const std::size_t sum = backward_ ? at + pad : at * shape_.stride + tap, less = backward_ ? tap : pad;
      if (sum < less || (backward_ && (sum - less) % shape_.stride != 0)) continue;
      const std::size_t to = (sum - less) / (backward_ ? shape_.stride : 1);
      if (to < size) steps.push_back({to, tap});
    }
    return steps;
  }
  static bool alike(const Steps& a, const Steps& b) {
    return !a.empty() && std::ranges::equal(a, b, {}, &Step::tap, &Step::tap);
  }

  const ImageConvolution& shape_;
  bool backward_;
  std::size_t width_;
  std::vector<Steps> rows_, columns_;
};

void forward_example(const ImageConvolution& shape, const float* x, const float* weight, const float* bias,
                     const Limits& limits, const Taps* taps, float* out) {
  if (shape.depthwise) {
    taps->for_pixels([&](std::size_t pixel, std::size_t shift, std::span<const Tap> own) {
      HWY_DYNAMIC_DISPATCH(filter_pixel)
      (own.data(), own.size(), x + shift, weight, shape.out, bias, limits.low, limits.high, out + pixel * shape.out);
    });
    return;
  }
  multiply({.rows = shape.out_pixels(),
            .depth = shape.in,
            .columns = shape.out,
            .left = x,
            .left_row = shape.in,
            .right = weight,
            .right_row = shape.out,
            .out = out,
            .out_row = shape.out,
            .bias = bias,
            .low = limits.low,
            .high = limits.high});
}

/// Sums of the gradients of the weights and of z over a group of examples.
struct Gradient {
  AlignedVector<float> weight, z;
  explicit Gradient(const ImageConvolution& shape)
      : weight(shape.depthwise ? shape.kernel * shape.kernel * shape.out : shape.in * shape.out), z(shape.out) {}
};

void backward_pointwise(const ImageConvolution& shape, std::size_t example, const float* x, const float* weight,
                        const OutputGradient& output, float* grad_x, AlignedVector<float>& tile, Gradient& gradient) {
  const std::size_t pixels = shape.out_pixels(), most = tile_rows(std::max(shape.in, shape.out));
  tile.resize(std::min(most, pixels) * shape.out);
  for (std::size_t at = 0; at < pixels; at += most) {
    const std::size_t rows = std::min(most, pixels - at);
    HWY_DYNAMIC_DISPATCH(gradient_rows)
    (output, example * pixels + at, rows, shape.out, tile.data(), gradient.z.data());
    multiply({.rows = shape.out,
              .depth = rows,
              .columns = shape.in,
              .left = tile.data(),
              .left_row = 1,
              .left_depth = shape.out,
              .right = x + at * shape.in,
              .right_row = shape.in,
              .out = gradient.weight.data(),
              .out_row = shape.in,
              .adds = true});
    if (grad_x == nullptr) continue;
    multiply({.rows = rows,
              .depth = shape.out,
              .columns = shape.in,
              .left = tile.data(),
              .left_row = shape.out,
              .right = weight,
              .right_row = shape.in,
              .out = grad_x + at * shape.in,
              .out_row = shape.in});
  }
}

struct DepthwiseTaps {
  Taps forward, backward;
};

void backward_depthwise(const ImageConvolution& shape, std::size_t example, const float* x, const float* weight,
                        const OutputGradient& output, const DepthwiseTaps& taps, float* grad_x,
                        AlignedVector<float>& tile, Gradient& gradient) {
  const std::size_t pixels = shape.out_pixels(), channels = shape.out;
  tile.resize(pixels * channels);
  HWY_DYNAMIC_DISPATCH(gradient_rows)
  (output, example * pixels, pixels, channels, tile.data(), gradient.z.data());
  taps.forward.for_pixels([&](std::size_t pixel, std::size_t shift, std::span<const Tap> own) {
    HWY_DYNAMIC_DISPATCH(filter_gradient)
    (own.data(), own.size(), x + shift, tile.data() + pixel * channels, channels, gradient.weight.data());
  });
  if (grad_x == nullptr) return;
  const Limits none;
  taps.backward.for_pixels([&](std::size_t pixel, std::size_t shift, std::span<const Tap> own) {
    HWY_DYNAMIC_DISPATCH(filter_pixel)
    (own.data(), own.size(), tile.data() + shift, weight, channels, nullptr, none.low, none.high,
     grad_x + pixel * channels);
  });
}

/// Calls sum(example, sums, products) for all examples, and adds their rows of `channels` values in order.
template <class Sum>
void sum_examples(std::size_t examples, std::size_t channels, double* sums, double* products, const Sum& sum) {
  std::vector<double> parts(examples * 2 * channels);
  parallel_for(examples, [&](std::size_t i, int) {
    sum(i, parts.data() + 2 * i * channels, parts.data() + (2 * i + 1) * channels);
  });
  std::fill_n(sums, channels, 0.0);
  std::fill_n(products, channels, 0.0);
  for (std::size_t i = 0; i < examples; ++i)
    for (std::size_t c = 0; c < channels; ++c) {
      sums[c] += parts[2 * i * channels + c];
      products[c] += parts[(2 * i + 1) * channels + c];
    }
}

}  // namespace

void convolution_forward(const ImageConvolution& shape, const float* x, const float* weight, const float* bias,
                         Activation activation, float* out, double* mean, double* variance) {
  const std::size_t taps = shape.kernel * shape.kernel;
  const AlignedVector<float> by_input =
      shape.depthwise ? transposed(weight, shape.out, taps) : transposed(weight, shape.out, shape.in);
  const Taps all_taps(shape, false);
  const Limits limits = limits_of(activation);
  const std::size_t x_size = shape.in_pixels() * shape.in, out_size = shape.out_pixels() * shape.out;
  const auto run = [&](std::size_t i) {
    forward_example(shape, x + i * x_size, by_input.data(), bias, limits, &all_taps, out + i * out_size);
  };
  if (mean == nullptr) return parallel_for(shape.examples, [&](std::size_t i, int) { run(i); });
  sum_examples(shape.examples, shape.out, mean, variance, [&](std::size_t i, double* sums, double* squares) {
    run(i);
    const float* const own = out + i * out_size;
    HWY_DYNAMIC_DISPATCH(sum_rows)(own, own, shape.out_pixels(), shape.out, sums, squares);
  });
  const auto count = static_cast<double>(shape.examples * shape.out_pixels());
  for (std::size_t c = 0; c < shape.out; ++c) {
    mean[c] /= count;
    variance[c] = std::max(0.0, variance[c] / count - mean[c] * mean[c]);
  }
}

void apply_map(const ChannelMap& map, const float* z, std::size_t pixels, std::size_t channels, float* y) {
  blas::for_blocks(pixels, kMapRows, [&](std::size_t first, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(map_rows)(map, z + first * channels, count, channels, y + first * channels);
  });
}

void gradient_sums(const OutputGradient& gradient, std::size_t examples, std::size_t pixels, std::size_t channels,
                   double* sums, double* sums_z) {
  OutputGradient plain = gradient;
  plain.slope = nullptr;
  sum_examples(examples, channels, sums, sums_z, [&](std::size_t i, double* sum, double* sum_z) {
    const std::size_t most = tile_rows(channels);
    AlignedVector<float> tile(std::min(most, pixels) * channels);
    for (std::size_t at = 0; at < pixels; at += most) {
      const std::size_t rows = std::min(most, pixels - at), first = i * pixels + at;
      HWY_DYNAMIC_DISPATCH(gradient_rows)(plain, first, rows, channels, tile.data(), nullptr);
      HWY_DYNAMIC_DISPATCH(sum_rows)(tile.data(), gradient.z + first * channels, rows, channels, sum, sum_z);
    }
  });
}

void convolution_backward(const ImageConvolution& shape, const float* x, const float* weight,
                          const OutputGradient& gradient, float* grad_x, float* grad_weight, float* grad_bias) {
  const std::size_t taps = shape.kernel * shape.kernel, x_size = shape.in_pixels() * shape.in;
  const AlignedVector<float> by_tap = shape.depthwise ? transposed(weight, shape.out, taps) : AlignedVector<float>();
  const DepthwiseTaps all_taps{Taps(shape, false), Taps(shape, true)};
  const std::size_t groups = std::min(kGroups, shape.examples);
  std::vector<Gradient> sums(groups, Gradient(shape));
  parallel_for(groups, [&](std::size_t group, int) {
    AlignedVector<float> tile;
    for (std::size_t i = group; i < shape.examples; i += groups) {
      float* const own = grad_x == nullptr ? nullptr : grad_x + i * x_size;
      if (shape.depthwise)
        backward_depthwise(shape, i, x + i * x_size, by_tap.data(), gradient, all_taps, own, tile, sums[group]);
      else
        backward_pointwise(shape, i, x + i * x_size, weight, gradient, own, tile, sums[group]);
    }
  });
  const std::size_t size = sums.front().weight.size();
  AlignedVector<float> total(size);
  for (const Gradient& sum : sums)
    for (std::size_t i = 0; i < size; ++i) total[i] += sum.weight[i];
  if (shape.depthwise) total = transposed(total.data(), taps, shape.out);
  std::ranges::copy(total, grad_weight);
  if (grad_bias == nullptr) return;
  std::fill_n(grad_bias, shape.out, 0.0F);
  for (const Gradient& sum : sums)
    for (std::size_t c = 0; c < shape.out; ++c) grad_bias[c] += sum.z[c];
}

}  // namespace genrewise::neural
#endif
