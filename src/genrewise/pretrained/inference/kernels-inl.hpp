// The kernels of kernels.hpp for one instruction set: kernels.cpp includes this file once for each.
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "genrewise/pretrained/inference/kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Panels and groups of channels of an odd number of octets use vectors of at most one octet.
using Wide = hn::CappedTag<float, 2 * kOctet>;
using Narrow = hn::CappedTag<float, kOctet>;
template <std::size_t kOctets>
using TagFor = std::conditional_t<kOctets % 2 == 0, Wide, Narrow>;
template <class D>
inline constexpr std::size_t kLanesOf = hn::MaxLanes(D());

constexpr std::size_t kRegisters = HWY_ARCH_ARM_A64 || HWY_MAX_BYTES == 64 ? 32 : 16;
constexpr std::size_t kMostRows = 14;

/// Rows whose sums, with the vectors of one row of the panel and a factor, fill the registers.
constexpr std::size_t most_rows(std::size_t vectors) {
  return std::clamp<std::size_t>((kRegisters - 1) / vectors, 2, kMostRows + 1) - 1;
}

/// Octets of the next panel when `left` are left: two vectors of the whole width, or what suits the remainder.
std::size_t panel_octets(std::size_t left) {
  constexpr std::size_t kWide = kLanesOf<Wide> / kOctet;  // octets per vector; 0: several vectors per octet
  constexpr std::size_t kUsual = kWide > 0 ? 2 * kWide : kRegisters == 32 ? 2 : 1;
  if (left == 3 && kWide > 0) return 3;
  if (left >= kUsual && !(kUsual == 4 && left == 5)) return kUsual;
  return left >= 2 && kUsual >= 2 ? 2 : 1;
}

template <class D>
HWY_INLINE hn::Vec<D> activate(D d, hn::Vec<D> value, const Activation& activation) {
  if (activation.hard_swish) {
    const auto gate = hn::Min(hn::Max(hn::Add(value, hn::Set(d, 3.0f)), hn::Zero(d)), hn::Set(d, 6.0f));
    return hn::Mul(hn::Mul(value, gate), hn::Set(d, 1.0f / 6));
  }
  return hn::Min(hn::Max(value, hn::Set(d, activation.low)), hn::Set(d, activation.high));
}

/// The sums of kRows rows and kVectors vectors of columns, in registers.
template <class D, std::size_t kRows, std::size_t kVectors>
using Tile = hn::Vec<D>[kRows][kVectors];

template <class D, std::size_t kRows, std::size_t kVectors>
HWY_INLINE void set_rows(D d, const float* values, Tile<D, kRows, kVectors>& sum) {
  HWY_UNROLL(8)
  for (std::size_t v = 0; v < kVectors; ++v) {
    const auto value = values ? hn::LoadU(d, values + v * kLanesOf<D>) : hn::Zero(d);
    HWY_UNROLL(14)
    for (std::size_t r = 0; r < kRows; ++r) sum[r][v] = value;
  }
}

template <class D, std::size_t kRows, std::size_t kVectors>
HWY_INLINE void add_products(D d, const float* HWY_RESTRICT row, std::size_t stride, std::size_t depth,
                             const float* HWY_RESTRICT weight, Tile<D, kRows, kVectors>& sum) {
  for (std::size_t k = 0; k < depth; ++k, weight += kVectors * kLanesOf<D>) {
    hn::Vec<D> w[kVectors];
    HWY_UNROLL(8)
    for (std::size_t v = 0; v < kVectors; ++v) w[v] = hn::LoadU(d, weight + v * kLanesOf<D>);
    HWY_UNROLL(14)
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto x = hn::Set(d, row[r * stride + k]);
      HWY_UNROLL(8)
      for (std::size_t v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(x, w[v], sum[r][v]);
    }
  }
}

struct Product {
  const RowsIn& in;
  const float *weights, *bias;

  const float* row(std::size_t index) const { return in.data + index * in.stride; }
  template <class D, std::size_t kRows, std::size_t kVectors>
  HWY_INLINE void sum(D d, std::size_t first, Tile<D, kRows, kVectors>& tile) const {
    set_rows<D, kRows, kVectors>(d, bias, tile);
    for (std::size_t s = 0; s < in.segments; ++s)
      add_products<D, kRows, kVectors>(d, row(first) + s * in.segment_stride, in.stride, in.depth,
                                       weights + s * in.depth * kVectors * kLanesOf<D>, tile);
  }
};

/// Writes the rows.
struct Multiply : Product {
  const RowsOut& out;
  const Activation& activation;
  std::size_t column;

  template <class D, std::size_t kRows, std::size_t kVectors>
  HWY_INLINE void run(std::size_t first) const {
    const D d;
    Tile<D, kRows, kVectors> tile;
    this->sum<D, kRows, kVectors>(d, first, tile);
    std::size_t at = first * out.stride + column, left = out.run - first % out.run;
    float* to = out.data + at + first / out.run * out.gap;
    HWY_UNROLL(14)
    for (std::size_t r = 0; r < kRows; ++r, at += out.stride, to += out.stride, --left) {
      if (left == 0) {
        to += out.gap;
        left = out.run;
      }
      HWY_UNROLL(8)
      for (std::size_t v = 0; v < kVectors; ++v) {
        auto value = activate(d, tile[r][v], activation);
        if (out.add) value = hn::Add(value, hn::LoadU(d, out.add + at + v * kLanesOf<D>));
        hn::StoreU(value, d, to + v * kLanesOf<D>);
      }
    }
  }
};

template <class D, std::size_t kRows, std::size_t kVectors>
HWY_INLINE void keep_largest(D d, const Tile<D, kRows, kVectors>& tile, float* largest) {
  HWY_UNROLL(8)
  for (std::size_t v = 0; v < kVectors; ++v) {
    auto most = hn::LoadU(d, largest + v * kLanesOf<D>);
    HWY_UNROLL(14)
    for (std::size_t r = 0; r < kRows; ++r) most = hn::Max(tile[r][v], most);
    hn::StoreU(most, d, largest + v * kLanesOf<D>);
  }
}

struct Largest : Product {
  float* out;

  template <class D, std::size_t kRows, std::size_t kVectors>
  HWY_INLINE void run(std::size_t first) const {
    Tile<D, kRows, kVectors> tile;
    this->sum<D, kRows, kVectors>(D(), first, tile);
    keep_largest<D, kRows, kVectors>(D(), tile, out);
  }
};

struct LargestPair : Product {
  std::span<const std::array<float, 2>> share;
  const std::array<float*, 2>& out;

  template <class D, std::size_t kRows, std::size_t kVectors>
  HWY_INLINE void run(std::size_t first) const {
    const D d;
    Tile<D, kRows, kVectors> pair[2];  // in memory: used once per segment
    for (auto& tile : pair) set_rows<D, kRows, kVectors>(d, nullptr, tile);
    for (std::size_t s = 0; s < share.size(); ++s) {
      Tile<D, kRows, kVectors> sum;
      set_rows<D, kRows, kVectors>(d, nullptr, sum);
      add_products<D, kRows, kVectors>(d, row(first) + s * in.segment_stride, in.stride, in.depth,
                                       weights + s * in.depth * kVectors * kLanesOf<D>, sum);
      for (std::size_t j = 0; j < 2; ++j) {
        const auto factor = hn::Set(d, share[s][j]);
        HWY_UNROLL(14)
        for (std::size_t r = 0; r < kRows; ++r) {
          HWY_UNROLL(8)
          for (std::size_t v = 0; v < kVectors; ++v) pair[j][r][v] = hn::MulAdd(factor, sum[r][v], pair[j][r][v]);
        }
      }
    }
    for (std::size_t j = 0; j < 2; ++j) keep_largest<D, kRows, kVectors>(d, pair[j], out[j]);
  }
};

/// Calls body(first, count) for blocks of at most `most` rows of nearly equal size: a last block of one row would leave
/// most of the arithmetic units idle.
template <class Body>
HWY_INLINE void for_row_blocks(std::size_t first, std::size_t rows, std::size_t most, const Body& body) {
  const std::size_t blocks = (rows + most - 1) / most;
  if (blocks == 0) return;
  const std::size_t each = rows / blocks, larger = rows % blocks;
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::size_t count = each + (i < larger ? 1 : 0);
    body(first, count);
    first += count;
  }
}

template <class Call, class D, std::size_t kRows, std::size_t kVectors>
void run_tile(const Call& call, std::size_t first) {
  call.template run<D, kRows, kVectors>(first);
}

template <class Call, std::size_t kOctets, std::size_t... kIndex>
void run_panel(const Call& call, std::size_t first, std::size_t rows, std::index_sequence<kIndex...>) {
  using D = TagFor<kOctets>;
  constexpr std::size_t kVectors = kOctets * kOctet / kLanesOf<D>, kMost = most_rows(kVectors);
  using Run = void (*)(const Call&, std::size_t);
  static constexpr Run kRun[] = {&run_tile<Call, D, std::min(kIndex + 1, kMost), kVectors>...};
  for_row_blocks(first, rows, kMost, [&](std::size_t row, std::size_t count) HWY_ATTR { kRun[count - 1](call, row); });
}

template <class Call>
void run_panel(const Call& call, std::size_t octets, std::size_t first, std::size_t rows) {
  constexpr auto kEach = std::make_index_sequence<kMostRows>();
  switch (octets) {
    case 1:
      return run_panel<Call, 1>(call, first, rows, kEach);
    case 2:
      return run_panel<Call, 2>(call, first, rows, kEach);
    case 3:
      return run_panel<Call, 3>(call, first, rows, kEach);
    default:
      return run_panel<Call, PackedWeights::kMostOctets>(call, first, rows, kEach);
  }
}

// Rows of the left matrix that are processed together stay in the second-level cache.
constexpr std::size_t kRowsBytes = 192 * 1024;

void multiply(const PackedWeights& weights, const RowsIn& in, std::size_t rows, const RowsOut& out,
              const Activation& activation, std::size_t first_panel, std::size_t last_panel) {
  const std::size_t row_bytes = std::max<std::size_t>(1, in.depth * in.segments * sizeof(float));
  const std::size_t most = std::max<std::size_t>(2 * kMostRows, kRowsBytes / row_bytes / kMostRows * kMostRows);
  for_row_blocks(0, rows, most, [&](std::size_t first, std::size_t count) HWY_ATTR {
    for (std::size_t p = first_panel; p < last_panel; ++p) {
      const PackedWeights::Panel& panel = weights.panels()[p];
      run_panel(Multiply{{in, weights.values(panel), weights.bias(panel)}, out, activation, panel.first_octet * kOctet},
                panel.octets, first, count);
    }
  });
}

void multiply_largest(const PackedWeights& weights, const PackedWeights::Panel& panel, const RowsIn& in,
                      std::size_t rows, float* out) {
  run_panel(Largest{{in, weights.values(panel), nullptr}, out}, panel.octets, 0, rows);
}

void multiply_largest_pair(const PackedWeights& weights, const PackedWeights::Panel& panel, const RowsIn& in,
                           std::span<const std::array<float, 2>> share, std::size_t rows,
                           const std::array<float*, 2>& out) {
  run_panel(LargestPair{{in, weights.values(panel), nullptr}, share, out}, panel.octets, 0, rows);
}

/// kPixels neighbouring output pixels of one vector of channels. Each input column is read once for all windows that
/// contain it.
template <class D, std::size_t kKernel, std::size_t kStride, std::size_t kPixels>
HWY_INLINE void filter_pixels(D d, const Depthwise::Row& row, std::size_t x, std::size_t channel, const float* weights,
                              std::size_t channels, const float* bias, const Activation& activation) {
  constexpr std::size_t kColumns = (kPixels - 1) * kStride + kKernel;
  hn::Vec<D> sum[kPixels];
  HWY_UNROLL(4)
  for (std::size_t i = 0; i < kPixels; ++i) sum[i] = hn::LoadU(d, bias + channel);
  HWY_UNROLL(5)
  for (std::size_t ky = 0; ky < kKernel; ++ky) {
    const float* const in = row.in[ky] + x * kStride * row.in_stride + channel;
    hn::Vec<D> column[kColumns];
    HWY_UNROLL(16)
    for (std::size_t i = 0; i < kColumns; ++i) column[i] = hn::LoadU(d, in + i * row.in_stride);
    HWY_UNROLL(5)
    for (std::size_t kx = 0; kx < kKernel; ++kx) {
      const auto weight = hn::LoadU(d, weights + (ky * kKernel + kx) * channels + channel);
      HWY_UNROLL(4)
      for (std::size_t i = 0; i < kPixels; ++i) sum[i] = hn::MulAdd(column[i * kStride + kx], weight, sum[i]);
    }
  }
  HWY_UNROLL(4)
  for (std::size_t i = 0; i < kPixels; ++i)
    hn::StoreU(activate(d, sum[i], activation), d, row.out + (x + i) * row.out_stride + channel);
}

template <std::size_t kKernel, std::size_t kStride>
void filter_row(const Depthwise::Row& row, const float* weights, std::size_t channels, const float* bias,
                const Activation& activation) {
  const std::size_t width = row.octets * kOctet;
  for_row_blocks(0, row.width, 4, [&](std::size_t x, std::size_t count) HWY_ATTR {
    const auto pixels = [&](auto d, std::size_t first, std::size_t last) HWY_ATTR {
      using D = decltype(d);
      for (std::size_t c = first; c < last; c += kLanesOf<D>) {
        switch (count) {
          case 1:
            filter_pixels<D, kKernel, kStride, 1>(d, row, x, c, weights, channels, bias, activation);
            break;
          case 2:
            filter_pixels<D, kKernel, kStride, 2>(d, row, x, c, weights, channels, bias, activation);
            break;
          case 3:
            filter_pixels<D, kKernel, kStride, 3>(d, row, x, c, weights, channels, bias, activation);
            break;
          default:
            filter_pixels<D, kKernel, kStride, 4>(d, row, x, c, weights, channels, bias, activation);
        }
      }
    };
    const std::size_t wide = width / kLanesOf<Wide> * kLanesOf<Wide>;
    pixels(Wide(), 0, wide);
    pixels(Narrow(), wide, width);
  });
}

void filter(const Depthwise::Row& row, std::size_t kernel, const float* weights, std::size_t channels,
            const float* bias, const Activation& activation) {
  const auto run = kernel == 3 ? (row.stride == 1 ? filter_row<3, 1> : filter_row<3, 2>)
                               : (row.stride == 1 ? filter_row<5, 1> : filter_row<5, 2>);
  run(row, weights, channels, bias, activation);
}

void mean_and_deviation(const float* rows, std::size_t count, std::size_t channels, std::size_t stride, float* means,
                        float* deviations) {
  const Narrow d;
  for (std::size_t c = 0; c < channels; c += kLanesOf<Narrow>) {
    // After centring on the first row, single precision suffices for the sums of one run of rows.
    constexpr std::size_t kRun = 256;
    const auto centre = hn::LoadU(d, rows + c);
    double sum[kLanesOf<Narrow>] = {}, squares[kLanesOf<Narrow>] = {};
    for (std::size_t start = 0; start < count; start += kRun) {
      auto run_sum = hn::Zero(d), run_squares = hn::Zero(d);
      for (std::size_t i = start; i < std::min(count, start + kRun); ++i) {
        const auto value = hn::Sub(hn::LoadU(d, rows + i * stride + c), centre);
        run_sum = hn::Add(run_sum, value);
        run_squares = hn::MulAdd(value, value, run_squares);
      }
      HWY_ALIGN float both[2][kLanesOf<Narrow>];
      hn::StoreU(run_sum, d, both[0]);
      hn::StoreU(run_squares, d, both[1]);
      for (std::size_t lane = 0; lane < kLanesOf<Narrow>; ++lane) {
        sum[lane] += both[0][lane];
        squares[lane] += both[1][lane];
      }
    }
    const auto n = static_cast<double>(count);
    for (std::size_t lane = 0; lane < kLanesOf<Narrow>; ++lane) {
      const double mean = sum[lane] / n;
      means[c + lane] = static_cast<float>(rows[c + lane] + mean);
      if (deviations)
        deviations[c + lane] = static_cast<float>(std::sqrt(std::max(0.0, squares[lane] / n - mean * mean)));
    }
  }
}

void scale_channels(float* rows, std::size_t count, std::size_t channels, const float* factors) {
  const Narrow d;
  for (float* const end = rows + count * channels; rows < end; rows += channels)
    for (std::size_t c = 0; c < channels; c += kLanesOf<Narrow>)
      hn::StoreU(hn::Mul(hn::LoadU(d, rows + c), hn::LoadU(d, factors + c)), d, rows + c);
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
