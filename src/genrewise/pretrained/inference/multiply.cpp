#include "genrewise/pretrained/inference/kernels.hpp"

#include <algorithm>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/pretrained/inference/multiply.cpp"
#include <hwy/foreach_target.h>  // before vectors-inl.hpp

#include "genrewise/pretrained/inference/vectors-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

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

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(panel_octets);
HWY_EXPORT(multiply);
HWY_EXPORT(multiply_largest);
HWY_EXPORT(multiply_largest_pair);

PackedWeights::PackedWeights(std::size_t depth, std::size_t columns,
                             const std::function<float(std::size_t, std::size_t)>& weight, std::span<const float> bias)
    : columns_(columns), bias_(octets_of(columns) * kOctet) {
  std::ranges::copy(bias, bias_.begin());
  for (std::size_t octet = 0; octet < octets();) {
    const std::size_t taken = HWY_DYNAMIC_DISPATCH(panel_octets)(octets() - octet);
    panels_.push_back({octet, taken, values_.size()});
    for (std::size_t k = 0; k < depth; ++k) {
      for (std::size_t i = 0; i < taken * kOctet; ++i) {
        const std::size_t column = octet * kOctet + i;
        values_.push_back(column < columns ? weight(k, column) : 0.0f);
      }
    }
    octet += taken;
  }
}

void multiply(const PackedWeights& weights, const RowsIn& in, std::size_t rows, const RowsOut& out,
              const Activation& activation, std::size_t first_panel, std::size_t last_panel) {
  HWY_DYNAMIC_DISPATCH(multiply)(weights, in, rows, out, activation, first_panel, last_panel);
}

void multiply_largest(const PackedWeights& weights, const PackedWeights::Panel& panel, const RowsIn& in,
                      std::size_t rows, float* out) {
  std::fill_n(out, panel.octets * kOctet, -std::numeric_limits<float>::infinity());
  HWY_DYNAMIC_DISPATCH(multiply_largest)(weights, panel, in, rows, out);
}

void multiply_largest_pair(const PackedWeights& weights, const PackedWeights::Panel& panel, const RowsIn& in,
                           std::span<const std::array<float, 2>> share, std::size_t rows,
                           const std::array<float*, 2>& out) {
  for (float* const one : out) std::fill_n(one, panel.octets * kOctet, -std::numeric_limits<float>::infinity());
  HWY_DYNAMIC_DISPATCH(multiply_largest_pair)(weights, panel, in, share, rows, out);
}

}  // namespace genrewise
#endif
