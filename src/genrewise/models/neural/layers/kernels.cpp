#include "genrewise/models/neural/layers/kernels.hpp"

#include <algorithm>
#include <array>

#include "genrewise/base/aligned.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/neural/layers/product.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/models/neural/layers/kernels.cpp"
#include <hwy/cache_control.h>
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

/// Maximum of two neighbouring positions, clipped at 0; `chosen` stores which one won.
void pool_row(const float* HWY_RESTRICT first, const float* HWY_RESTRICT second, std::size_t channels,
              float* HWY_RESTRICT y, std::uint8_t* HWY_RESTRICT chosen) {
  const Floats d;
  const Words words;
  std::size_t o = 0;
  for (; o + hn::Lanes(d) <= channels; o += hn::Lanes(d)) {
    const auto a = hn::LoadU(d, first + o), b = hn::LoadU(d, second + o), value = hn::Max(a, b);
    hn::StoreU(hn::Max(hn::Zero(d), value), d, y + o);
    const auto winner = hn::IfThenElse(hn::RebindMask(words, hn::Gt(b, a)), hn::Set(words, 2), hn::Set(words, 1));
    const auto kept = hn::IfThenElseZero(hn::RebindMask(words, hn::Gt(value, hn::Zero(d))), winner);
    hn::StoreU(hn::DemoteTo(Bytes(), kept), Bytes(), chosen + o);
  }
  for (; o < channels; ++o) {
    const float value = std::max(first[o], second[o]);
    y[o] = value > 0 ? value : 0;
    chosen[o] = static_cast<std::uint8_t>(value > 0 ? (second[o] > first[o] ? 2 : 1) : 0);
  }
}

constexpr std::size_t kMostSums = HWY_ARCH_ARM_A64 || HWY_MAX_BYTES == 64 ? 24 : 12;  // vectors that registers hold

/// Calls body(vectors, j) for blocks of 24, 12, 8, 4 or 1 vectors of `width` values, and returns how many remain.
template <class Body>
HWY_INLINE std::size_t for_blocks(std::size_t width, const Body& body) {
  const std::size_t lanes = hn::Lanes(Floats());
  std::size_t j = 0;
  const auto blocks = [&](auto vectors) HWY_ATTR {
    for (; j + vectors() * lanes <= width; j += vectors() * lanes) body(vectors, j);
  };
  blocks(std::integral_constant<std::size_t, kMostSums>());
  blocks(std::integral_constant<std::size_t, 8>());
  blocks(std::integral_constant<std::size_t, 4>());
  blocks(std::integral_constant<std::size_t, 1>());
  return j;
}

/// kVectors vectors of sums: adds factor(i) * from(i)[0 ...] for i in [0, count).
template <std::size_t kVectors, class Factor, class From>
HWY_INLINE void add_products(std::size_t count, const Factor& factor, const From& from, float* HWY_RESTRICT sum) {
  const Floats d;
  Vector total[kVectors];
  HWY_UNROLL(24)
  for (std::size_t v = 0; v < kVectors; ++v) total[v] = hn::LoadU(d, sum + v * hn::Lanes(d));
  for (std::size_t i = 0; i < count; ++i) {
    const float* HWY_RESTRICT row = from(i);
    const auto own = hn::Set(d, factor(i));
    HWY_UNROLL(24)
    for (std::size_t v = 0; v < kVectors; ++v)
      total[v] = hn::MulAdd(own, hn::LoadU(d, row + v * hn::Lanes(d)), total[v]);
  }
  HWY_UNROLL(24)
  for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(total[v], d, sum + v * hn::Lanes(d));
}

/// masked = g where a position of the pair was chosen, else 0; adds it to `sums`.
void mask_gradient(const float* g, const std::uint8_t* chosen, std::size_t channels, float* masked, float* sums) {
  const Floats d;
  const Words words;
  std::size_t o = 0;
  for (; o + hn::Lanes(d) <= channels; o += hn::Lanes(d)) {
    const auto choice = hn::PromoteTo(words, hn::LoadU(Bytes(), chosen + o));
    const auto own = hn::IfThenElseZero(hn::RebindMask(d, hn::Gt(choice, hn::Zero(words))), hn::LoadU(d, g + o));
    hn::StoreU(own, d, masked + o);
    hn::StoreU(hn::Add(own, hn::LoadU(d, sums + o)), d, sums + o);
  }
  for (; o < channels; ++o) {
    masked[o] = chosen[o] != 0 ? g[o] : 0;
    sums[o] += masked[o];
  }
}

/// Adds the gradient of one filter's taps over `pooled` positions: masked gradient and choice are its columns, `out`
/// apart.
void filter_gradient(const float* masked, const std::uint8_t* chosen, std::size_t pooled, std::size_t out,
                     const float* x, std::size_t in, float* sum) {
  const auto factor = [&](std::size_t p) HWY_ATTR { return masked[p * out]; };
  const auto window = [&](std::size_t p) HWY_ATTR { return x + (2 * p + (chosen[p * out] >> 1U)) * in; };
  const std::size_t width = 3 * in;
  std::size_t j = for_blocks(width, [&](auto vectors, std::size_t at) HWY_ATTR {
    add_products<vectors()>(
        pooled, factor, [&](std::size_t p) HWY_ATTR { return window(p) + at; }, sum + at);
  });
  for (; j < width; ++j)
    for (std::size_t p = 0; p < pooled; ++p) sum[j] += factor(p) * window(p)[j];
}

/// The gradients that go to the first and to the second position of a pair. Writes up to 16 elements more than count.
void split_gradient(const float* g, const std::uint8_t* chosen, std::size_t out, std::size_t step, SparseRow& first,
                    SparseRow& second) {
  const Floats d;
  const hn::Rebind<std::uint32_t, Floats> words;
  first.count = second.count = 0;
  const auto put = [&](SparseRow& row, auto grad, auto offset, auto mask) HWY_ATTR {
    hn::StoreU(hn::Compress(offset, mask), words, row.offsets + row.count);
    hn::StoreU(hn::Compress(grad, hn::RebindMask(d, mask)), d, row.factors + row.count);
    row.count += hn::CountTrue(words, mask);
  };
  std::size_t o = 0;
  for (; o + hn::Lanes(d) <= out; o += hn::Lanes(d)) {
    const auto choice = hn::PromoteTo(words, hn::LoadU(Bytes(), chosen + o));
    const auto offset =
        hn::Mul(hn::Iota(words, static_cast<std::uint32_t>(o)), hn::Set(words, static_cast<std::uint32_t>(step)));
    const auto grad = hn::LoadU(d, g + o);
    put(first, grad, offset, hn::Eq(choice, hn::Set(words, 1)));
    put(second, grad, offset, hn::Eq(choice, hn::Set(words, 2)));
  }
  for (; o < out; ++o) {
    if (chosen[o] == 0) continue;
    SparseRow& row = chosen[o] == 1 ? first : second;
    row.offsets[row.count] = static_cast<std::uint32_t>(o * step);
    row.factors[row.count++] = g[o];
  }
}

/// sum[j] += the sparse row times column j of `matrix`, for `width` columns.
void add_sparse_product(const SparseRow& row, const float* matrix, std::size_t width, float* sum) {
  std::size_t j = for_blocks(width, [&](auto vectors, std::size_t at) HWY_ATTR {
    add_products<vectors()>(
        row.count, [&](std::size_t i) HWY_ATTR { return row.factors[i]; },
        [&](std::size_t i) HWY_ATTR { return matrix + row.offsets[i] + at; }, sum + at);
  });
  for (; j < width; ++j)
    for (std::size_t i = 0; i < row.count; ++i) sum[j] += row.factors[i] * matrix[row.offsets[i] + j];
}

/// `value` where `chosen` is `which`, else 0.
HWY_INLINE Vector where(const std::uint8_t* chosen, int which, Vector value) {
  const Words words;
  const auto choice = hn::PromoteTo(words, hn::LoadU(Bytes(), chosen));
  return hn::IfThenElseZero(hn::RebindMask(Floats(), hn::Eq(choice, hn::Set(words, which))), value);
}

constexpr std::size_t kAhead = 24;  // positions that are fetched in advance: the processor foresees no such stride

/// Sums of the gradients of the three taps and the bias, for kVectors vectors of filters on one input channel.
template <std::size_t kVectors>
HWY_INLINE void one_channel_block(const float* HWY_RESTRICT x, const float* HWY_RESTRICT g,
                                  const std::uint8_t* HWY_RESTRICT c, std::size_t pooled, std::size_t channels,
                                  float* HWY_RESTRICT sums) {
  const Floats d;
  Vector sum[kVectors][4];
  HWY_UNROLL(4)
  for (std::size_t v = 0; v < kVectors; ++v) {
    HWY_UNROLL(4)
    for (std::size_t k = 0; k < 4; ++k) sum[v][k] = hn::LoadU(d, sums + k * channels + v * hn::Lanes(d));
  }
  for (std::size_t p = 0; p < pooled; ++p, x += 2, g += channels, c += channels) {
    HWY_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v) hwy::Prefetch(g + kAhead * channels + v * hn::Lanes(d));
    hwy::Prefetch(c + kAhead * channels);
    const auto x0 = hn::Set(d, x[0]), x1 = hn::Set(d, x[1]), x2 = hn::Set(d, x[2]), x3 = hn::Set(d, x[3]);
    HWY_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v) {
      const auto grad = hn::LoadU(d, g + v * hn::Lanes(d));
      const auto first = where(c + v * hn::Lanes(d), 1, grad), second = where(c + v * hn::Lanes(d), 2, grad);
      sum[v][0] = hn::MulAdd(first, x0, hn::MulAdd(second, x1, sum[v][0]));
      sum[v][1] = hn::MulAdd(first, x1, hn::MulAdd(second, x2, sum[v][1]));
      sum[v][2] = hn::MulAdd(first, x2, hn::MulAdd(second, x3, sum[v][2]));
      sum[v][3] = hn::Add(sum[v][3], hn::Add(first, second));
    }
  }
  HWY_UNROLL(4)
  for (std::size_t v = 0; v < kVectors; ++v) {
    HWY_UNROLL(4)
    for (std::size_t k = 0; k < 4; ++k) hn::StoreU(sum[v][k], d, sums + k * channels + v * hn::Lanes(d));
  }
}

/// Adds the gradients of the three taps and the bias of filters on one input channel to four rows of `channels` sums.
void one_channel_gradient(const float* x, const float* g, const std::uint8_t* c, std::size_t pooled,
                          std::size_t channels, float* sums) {
  const std::size_t lanes = hn::Lanes(Floats());
  std::size_t o = 0;
  for (; o + 4 * lanes <= channels; o += 4 * lanes) one_channel_block<4>(x, g + o, c + o, pooled, channels, sums + o);
  for (; o + lanes <= channels; o += lanes) one_channel_block<1>(x, g + o, c + o, pooled, channels, sums + o);
  for (; o < channels; ++o)
    for (std::size_t p = 0; p < pooled; ++p) {
      const std::size_t choice = c[p * channels + o];
      if (choice == 0) continue;
      const float grad = g[p * channels + o];
      for (std::size_t k = 0; k < 3; ++k) sums[k * channels + o] += grad * x[2 * p + choice - 1 + k];
      sums[3 * channels + o] += grad;
    }
}

}  // namespace
}  // namespace genrewise::neural::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise::neural {
namespace {

constexpr std::size_t kMostLanes = 16;
constexpr std::size_t kTile = 128;         // pooled positions per tile: its values stay in the second-level cache
constexpr std::size_t kGradientTile = 24;  // of the backward pass: its input stays in the first-level cache
constexpr std::size_t kTaps = 3;
constexpr std::size_t kGroups = 8;  // groups of examples whose gradients are summed separately and added in order
constexpr std::size_t kInputBlock = 1024;  // inputs per block of a wide layer

HWY_EXPORT(pool_row);
HWY_EXPORT(one_channel_gradient);
HWY_EXPORT(mask_gradient);
HWY_EXPORT(filter_gradient);
HWY_EXPORT(split_gradient);
HWY_EXPORT(add_sparse_product);

/// Fetches `count` values into the cache; they need not exist.
void prefetch(const float* from, std::size_t count) {
  for (std::size_t i = 0; i < count; i += kAlignmentBytes / sizeof(float)) hwy::Prefetch(from + i);
}

/// out x in x 3 -> (3 x in) x out, with the columns of a product.
AlignedVector<float> by_input(const ConvShape& shape, const float* weight) {
  const std::size_t columns = padded_columns(shape.out);
  AlignedVector<float> taps(kTaps * shape.in * columns);
  for (std::size_t o = 0; o < shape.out; ++o)
    for (std::size_t c = 0; c < shape.in; ++c)
      for (std::size_t k = 0; k < kTaps; ++k)
        taps[(k * shape.in + c) * columns + o] = weight[(o * shape.in + c) * kTaps + k];
  return taps;
}

/// out x in x 3 -> out x (3 x in).
AlignedVector<float> by_output(const ConvShape& shape, const float* weight) {
  AlignedVector<float> taps(shape.out * kTaps * shape.in);
  for (std::size_t o = 0; o < shape.out; ++o)
    for (std::size_t c = 0; c < shape.in; ++c)
      for (std::size_t k = 0; k < kTaps; ++k)
        taps[(o * kTaps + k) * shape.in + c] = weight[(o * shape.in + c) * kTaps + k];
  return taps;
}

void forward_example(const ConvShape& shape, const float* x, const float* taps, const float* bias, float* y,
                     std::uint8_t* chosen) {
  const std::size_t pooled = shape.pooled(), columns = padded_columns(shape.out);
  AlignedVector<float> tile(2 * kTile * columns), pooled_rows(shape.y_by_channel ? kTile * shape.out : 0);
  for (std::size_t at = 0; at < pooled; at += kTile) {
    const std::size_t count = std::min(kTile, pooled - at);
    multiply({.rows = 2 * count,
              .depth = kTaps * shape.in,
              .columns = columns,
              .left = x + 2 * at * shape.in,
              .left_row = shape.in,
              .right = taps,
              .right_row = columns,
              .out = tile.data(),
              .out_row = columns,
              .bias = bias});
    float* const rows = shape.y_by_channel ? pooled_rows.data() : y + at * shape.out;
    for (std::size_t p = 0; p < count; ++p) {
      prefetch(x + 2 * (at + kTile + p) * shape.in, 2 * shape.in);
      const float* const pair = tile.data() + 2 * p * columns;
      HWY_DYNAMIC_DISPATCH(pool_row)
      (pair, pair + columns, shape.out, rows + p * shape.out, chosen + (at + p) * shape.out);
    }
    if (shape.y_by_channel) blas::transpose<float>({rows, count, shape.out}, {y + at, shape.out, count, pooled});
  }
}

/// Gradient sums of one group of examples.
struct Gradient {
  std::vector<float> taps, bias;  // out x (3 x in), out; one input channel alone: 3 x out in taps
  explicit Gradient(const ConvShape& shape) : taps(kTaps * shape.out * shape.in), bias(shape.out) {}
};

/// The gradient of `count` positions of an example's y from `at` on, as rows of filters; in `buffer` where it must be
/// transposed.
const float* gradient_rows(const ConvShape& shape, const float* grad_y, std::size_t at, std::size_t count,
                           AlignedVector<float>& buffer) {
  if (!shape.y_by_channel) return grad_y + at * shape.out;
  buffer.resize(kGradientTile * shape.out);
  for (std::size_t o = 0; o < shape.out; ++o)
    for (std::size_t p = 0; p < count; ++p) buffer[p * shape.out + o] = grad_y[o * shape.pooled() + at + p];
  return buffer.data();
}

/// Accumulates this example's input gradient into grad_x (zeroed by the caller); null: not computed.
void backward_example(const ConvShape& shape, const float* x, const float* taps, const float* grad_y,
                      const std::uint8_t* chosen, float* grad_x, Gradient& gradient) {
  const std::size_t pooled = shape.pooled(), in = shape.in, out = shape.out, window = kTaps * in;
  const std::size_t most = aligned_stride(out) + kMostLanes;
  AlignedVector<std::uint32_t> offsets(2 * kGradientTile * most);
  AlignedVector<float> factors(offsets.size()), masked(kGradientTile * out), by_position;
  std::array<SparseRow, 2 * kGradientTile> rows;
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = {offsets.data() + i * most, factors.data() + i * most, 0};
  for (std::size_t at = 0; at < pooled; at += kGradientTile) {
    const std::size_t count = std::min(kGradientTile, pooled - at);
    const float* const g = gradient_rows(shape, grad_y, at, count, by_position);
    const std::uint8_t* const c = chosen + at * out;
    for (std::size_t p = 0; p < count; ++p)
      HWY_DYNAMIC_DISPATCH(mask_gradient)(g + p * out, c + p * out, out, masked.data() + p * out, gradient.bias.data());
    const std::size_t share = 2 * kGradientTile * in / out;  // of the next tile's input
    for (std::size_t o = 0; o < out; ++o) {
      prefetch(x + 2 * (at + kGradientTile) * in + o * share, share);
      HWY_DYNAMIC_DISPATCH(filter_gradient)
      (masked.data() + o, c + o, count, out, x + 2 * at * in, in, gradient.taps.data() + o * window);
    }
    if (grad_x == nullptr) continue;
    for (std::size_t p = 0; p < count; ++p)
      HWY_DYNAMIC_DISPATCH(split_gradient)(g + p * out, c + p * out, out, window, rows[2 * p], rows[2 * p + 1]);
    for (std::size_t k = 0; k < kTaps; ++k)  // the filters' weights of one tap stay in the first-level cache
      for (std::size_t position = 0; position < 2 * count; ++position) HWY_DYNAMIC_DISPATCH(add_sparse_product)
    (rows[position], taps + k * in, in, grad_x + (2 * at + position + k) * in);
  }
}

std::size_t blocks_of(std::size_t inputs) {
  return (inputs + kInputBlock - 1) / kInputBlock;
}

}  // namespace

void conv3_relu_pool2_forward(const ConvShape& shape, const float* x, const float* weight, const float* bias, float* y,
                              std::uint8_t* chosen) {
  const AlignedVector<float> taps = by_input(shape, weight);
  AlignedVector<float> padded_bias(padded_columns(shape.out));
  std::copy_n(bias, shape.out, padded_bias.begin());
  const std::size_t x_size = shape.in * shape.time, y_size = shape.out * shape.pooled();
  parallel_for(shape.examples, [&](std::size_t i, int) {
    forward_example(shape, x + i * x_size, taps.data(), padded_bias.data(), y + i * y_size, chosen + i * y_size);
  });
}

void conv3_relu_pool2_backward(const ConvShape& shape, const float* x, const float* weight, const float* grad_y,
                               const std::uint8_t* chosen, float* grad_x, float* grad_weight, float* grad_bias) {
  const AlignedVector<float> taps = by_output(shape, weight);
  const std::size_t x_size = shape.in * shape.time, y_size = shape.out * shape.pooled();
  const std::size_t groups = std::min(kGroups, shape.examples);
  const bool one_channel = shape.in == 1 && grad_x == nullptr;
  std::vector<Gradient> sums(groups, Gradient(shape));
  parallel_for(groups, [&](std::size_t group, int) {
    Gradient& sum = sums[group];
    std::vector<float> rows((kTaps + 1) * shape.out);
    AlignedVector<float> by_position;
    for (std::size_t i = group; i < shape.examples; i += groups) {
      const float *own_x = x + i * x_size, *own_grad_y = grad_y + i * y_size;
      float* const own_grad_x = grad_x == nullptr ? nullptr : grad_x + i * x_size;
      if (own_grad_x != nullptr) std::fill_n(own_grad_x, x_size, 0.0F);
      if (one_channel) {
        for (std::size_t at = 0; at < shape.pooled(); at += kGradientTile) {
          const std::size_t count = std::min(kGradientTile, shape.pooled() - at);
          HWY_DYNAMIC_DISPATCH(one_channel_gradient)
          (own_x + 2 * at, gradient_rows(shape, own_grad_y, at, count, by_position),
           chosen + i * y_size + at * shape.out, count, shape.out, rows.data());
        }
      } else {
        backward_example(shape, own_x, taps.data(), own_grad_y, chosen + i * y_size, own_grad_x, sum);
      }
    }
    if (!one_channel) return;
    for (std::size_t o = 0; o < shape.out; ++o) {
      for (std::size_t k = 0; k < kTaps; ++k) sum.taps[o * kTaps + k] = rows[k * shape.out + o];
      sum.bias[o] = rows[kTaps * shape.out + o];
    }
  });
  std::fill_n(grad_weight, kTaps * shape.out * shape.in, 0.0F);
  std::fill_n(grad_bias, shape.out, 0.0F);
  for (const Gradient& sum : sums) {
    for (std::size_t o = 0; o < shape.out; ++o) {
      for (std::size_t k = 0; k < kTaps; ++k)
        for (std::size_t c = 0; c < shape.in; ++c)
          grad_weight[(o * shape.in + c) * kTaps + k] += sum.taps[(o * kTaps + k) * shape.in + c];
      grad_bias[o] += sum.bias[o];
    }
  }
}

void wide_linear_forward(const LinearShape& shape, const float* x, const float* weight, const float* bias, float* y) {
  const std::size_t blocks = blocks_of(shape.inputs), size = shape.examples * shape.outputs;
  std::vector<float> parts(blocks * size);
  parallel_for(blocks, [&](std::size_t block, int) {
    const std::size_t first = block * kInputBlock;
    multiply_rows({.rows = shape.examples,
                   .depth = std::min(kInputBlock, shape.inputs - first),
                   .columns = shape.outputs,
                   .left = x + first,
                   .left_row = shape.inputs,
                   .right = weight + first,
                   .right_row = shape.inputs,
                   .out = parts.data() + block * size,
                   .out_row = shape.outputs});
  });
  for (std::size_t i = 0; i < size; ++i) y[i] = bias[i % shape.outputs];
  for (std::size_t block = 0; block < blocks; ++block)
    for (std::size_t i = 0; i < size; ++i) y[i] += parts[block * size + i];
}

void wide_linear_backward(const LinearShape& shape, const float* x, const float* weight, const float* grad_y,
                          float* grad_x, float* grad_weight, float* grad_bias) {
  /// rows x inputs: the sums over k of left(i, k) times row k of `right`.
  const auto product = [&](std::size_t rows, std::size_t depth, std::size_t left_row, std::size_t left_depth,
                           const float* right, float* out, std::size_t first, std::size_t count) {
    const std::size_t whole = count / kColumnStep * kColumnStep;
    multiply({.rows = rows,
              .depth = depth,
              .columns = whole,
              .left = grad_y,
              .left_row = left_row,
              .left_depth = left_depth,
              .right = right + first,
              .right_row = shape.inputs,
              .out = out + first,
              .out_row = shape.inputs});
    for (std::size_t j = first + whole; j < first + count; ++j)
      for (std::size_t i = 0; i < rows; ++i) {
        float sum = 0;
        for (std::size_t k = 0; k < depth; ++k)
          sum += grad_y[i * left_row + k * left_depth] * right[k * shape.inputs + j];
        out[i * shape.inputs + j] = sum;
      }
  };
  parallel_for(blocks_of(shape.inputs), [&](std::size_t block, int) {
    const std::size_t first = block * kInputBlock, count = std::min(kInputBlock, shape.inputs - first);
    product(shape.outputs, shape.examples, 1, shape.outputs, x, grad_weight, first, count);
    if (grad_x != nullptr) product(shape.examples, shape.outputs, shape.outputs, 1, weight, grad_x, first, count);
  });
  std::fill_n(grad_bias, shape.outputs, 0.0F);
  for (std::size_t i = 0; i < shape.examples; ++i)
    for (std::size_t o = 0; o < shape.outputs; ++o) grad_bias[o] += grad_y[i * shape.outputs + o];
}

}  // namespace genrewise::neural
#endif
