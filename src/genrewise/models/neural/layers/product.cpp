#include "genrewise/models/neural/layers/product.hpp"

#include <algorithm>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/models/neural/layers/product.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::neural::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Wide = hn::CappedTag<float, 16>;
using Narrow = hn::CappedTag<float, kColumnStep>;

constexpr std::size_t kRegisters = HWY_ARCH_ARM_A64 || HWY_MAX_BYTES == 64 ? 32 : 16;
constexpr std::size_t kMostRows = 14;
template <class D>
inline constexpr std::size_t kLanesOf = hn::MaxLanes(D());

/// Rows whose sums, with the vectors of one row of the right matrix and a factor, fill the registers.
constexpr std::size_t most_rows(std::size_t vectors) {
  return std::clamp<std::size_t>((kRegisters - 1) / vectors, 2, kMostRows + 1) - 1;
}

/// kRows rows and kVectors vectors of columns, whose sums stay in registers. kUnit: left_row is 1.
template <class D, bool kUnit, std::size_t kRows, std::size_t kVectors>
void run_tile(const Product& p, std::size_t row, std::size_t column) {
  const D d;
  const std::size_t left_row = kUnit ? 1 : p.left_row;
  float* const out = p.out + row * p.out_row + column;
  hn::Vec<D> sum[kRows][kVectors];
  HWY_UNROLL(8)
  for (std::size_t v = 0; v < kVectors; ++v) {
    const auto start = p.bias != nullptr ? hn::LoadU(d, p.bias + column + v * kLanesOf<D>) : hn::Zero(d);
    HWY_UNROLL(14)
    for (std::size_t r = 0; r < kRows; ++r) sum[r][v] = start;
  }
  const float* HWY_RESTRICT left = p.left + row * left_row;
  const float* HWY_RESTRICT right = p.right + column;
  for (std::size_t k = 0; k < p.depth; ++k, left += p.left_depth, right += p.right_row) {
    hn::Vec<D> w[kVectors];
    HWY_UNROLL(8)
    for (std::size_t v = 0; v < kVectors; ++v) {
      w[v] = hn::LoadU(d, right + v * kLanesOf<D>);
      hwy::Prefetch(right +
                    (kVectors + v) * kLanesOf<D>);  // of the next columns: the processor foresees no such stride
    }
    HWY_UNROLL(14)
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto x = hn::Set(d, left[r * left_row]);
      HWY_UNROLL(8)
      for (std::size_t v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(x, w[v], sum[r][v]);
    }
  }
  const auto low = hn::Set(d, p.low), high = hn::Set(d, p.high);
  HWY_UNROLL(14)
  for (std::size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(8)
    for (std::size_t v = 0; v < kVectors; ++v) {
      float* const to = out + r * p.out_row + v * kLanesOf<D>;
      const auto value = p.adds ? hn::Add(sum[r][v], hn::LoadU(d, to)) : sum[r][v];
      hn::StoreU(hn::Min(high, hn::Max(low, value)), d, to);  // in this order, x86 keeps what is not a number
    }
  }
}

template <class D, bool kUnit, std::size_t kVectors, std::size_t... kIndex>
void run_columns(const Product& p, std::size_t first, std::size_t rows, std::size_t column,
                 std::index_sequence<kIndex...>) {
  constexpr std::size_t kMost = most_rows(kVectors);
  using Run = void (*)(const Product&, std::size_t, std::size_t);
  static constexpr Run kRun[] = {&run_tile<D, kUnit, std::min(kIndex + 1, kMost), kVectors>...};
  // Blocks of nearly equal size: a last block of one row would leave most of the arithmetic units idle.
  const std::size_t blocks = (rows + kMost - 1) / kMost, each = rows / blocks, larger = rows % blocks;
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::size_t count = each + (i < larger ? 1 : 0);
    kRun[count - 1](p, first, column);
    first += count;
  }
}

// Rows of the left matrix that are processed together stay in the second-level cache.
constexpr std::size_t kRowsBytes = 192 * 1024;

template <bool kUnit>
void multiply_all(const Product& p) {
  constexpr auto kEach = std::make_index_sequence<kMostRows>();
  const std::size_t most = std::max<std::size_t>(2 * kMostRows, kRowsBytes / sizeof(float) / p.depth);
  for (std::size_t first = 0; first < p.rows; first += most) {
    const std::size_t rows = std::min(most, p.rows - first);
    std::size_t j = 0;
    for (; j + 2 * kLanesOf<Wide> <= p.columns; j += 2 * kLanesOf<Wide>)
      run_columns<Wide, kUnit, 2>(p, first, rows, j, kEach);
    for (; j + kLanesOf<Wide> <= p.columns; j += kLanesOf<Wide>) run_columns<Wide, kUnit, 1>(p, first, rows, j, kEach);
    for (; j < p.columns; j += kLanesOf<Narrow>) run_columns<Narrow, kUnit, 1>(p, first, rows, j, kEach);
  }
}

void multiply(const Product& p) {
  p.left_row == 1 ? multiply_all<true>(p) : multiply_all<false>(p);
}

constexpr std::size_t kAhead = 256;  // values of a row that are fetched in advance

/// kRows x kColumns sums of products along the rows of both matrices.
template <std::size_t kRows, std::size_t kColumns>
void run_dots(const Product& p, std::size_t row, std::size_t column) {
  const Wide d;
  hn::Vec<Wide> sum[kRows][kColumns];
  HWY_UNROLL(4)
  for (std::size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(6)
    for (std::size_t c = 0; c < kColumns; ++c) sum[r][c] = hn::Zero(d);
  }
  const float* HWY_RESTRICT left = p.left + row * p.left_row;
  const float* HWY_RESTRICT right = p.right + column * p.right_row;
  std::size_t k = 0;
  for (; k + kLanesOf<Wide> <= p.depth; k += kLanesOf<Wide>) {
    hn::Vec<Wide> w[kColumns];
    HWY_UNROLL(6)
    for (std::size_t c = 0; c < kColumns; ++c) {
      w[c] = hn::LoadU(d, right + c * p.right_row + k);
      hwy::Prefetch(right + c * p.right_row + k + kAhead);
    }
    HWY_UNROLL(4)
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto x = hn::LoadU(d, left + r * p.left_row + k);
      HWY_UNROLL(6)
      for (std::size_t c = 0; c < kColumns; ++c) sum[r][c] = hn::MulAdd(x, w[c], sum[r][c]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t c = 0; c < kColumns; ++c) {
      float total = hn::GetLane(hn::SumOfLanes(d, sum[r][c]));
      for (std::size_t j = k; j < p.depth; ++j) total += left[r * p.left_row + j] * right[c * p.right_row + j];
      p.out[(row + r) * p.out_row + column + c] = total;
    }
}

void multiply_rows(const Product& p) {
  constexpr std::size_t kRows = kRegisters == 32 ? 4 : 2, kColumns = kRegisters == 32 ? 6 : 4;
  const auto rows = [&](auto columns, std::size_t column) HWY_ATTR {
    std::size_t row = 0;
    for (; row + kRows <= p.rows; row += kRows) run_dots<kRows, columns()>(p, row, column);
    for (; row < p.rows; ++row) run_dots<1, columns()>(p, row, column);
  };
  std::size_t column = 0;
  for (; column + kColumns <= p.columns; column += kColumns)
    rows(std::integral_constant<std::size_t, kColumns>(), column);
  for (; column < p.columns; ++column) rows(std::integral_constant<std::size_t, 1>(), column);
}

}  // namespace
}  // namespace genrewise::neural::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise::neural {

HWY_EXPORT(multiply);
HWY_EXPORT(multiply_rows);

void multiply(const Product& product) {
  if (product.rows > 0 && product.columns > 0) HWY_DYNAMIC_DISPATCH(multiply)(product);
}

void multiply_rows(const Product& product) {
  HWY_DYNAMIC_DISPATCH(multiply_rows)(product);
}

}  // namespace genrewise::neural
#endif
