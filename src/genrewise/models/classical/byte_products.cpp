#include "genrewise/models/classical/byte_products.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "genrewise/base/parallel.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/models/classical/byte_products.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/highway.h>

#ifndef GENREWISE_BYTE_PRODUCTS
#define GENREWISE_BYTE_PRODUCTS
namespace genrewise {

constexpr std::size_t kPanelRows = 16, kGroup = 4;  // lanes of a vector; values that are multiplied and added in one
constexpr std::int32_t kMost = 127;                 // largest absolute integer

struct ByteTile {
  const std::uint8_t* queries;
  std::size_t query_stride;
  const std::int8_t* points;
  std::size_t panel_bytes;
  const std::int32_t* start;  // of each sum
  const float* scale;
  float* out;
  std::size_t out_stride, groups;
};

}  // namespace genrewise
#endif

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX3
using Integers = hn::ScalableTag<std::int32_t>;
using Vector = hn::Vec<Integers>;

constexpr std::size_t kVectors = 4, kRows = 6;

// sum + the products of 4 unsigned and 4 signed bytes in each lane; Highway 1.0 has no such operation.
HWY_INLINE Vector add_products(Vector sum, Vector unsigned_bytes, Vector signed_bytes) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(unsigned_bytes.raw), "v"(signed_bytes.raw));
  return sum;
}

bool has_byte_products() {
  return __builtin_cpu_supports("avx512vnni") != 0;
}

// kCount queries and kVectors vectors of points.
template <std::size_t kCount>
void multiply_tile(const ByteTile& tile) {
  const Integers d;
  const hn::RebindToFloat<Integers> floats;
  const std::size_t lanes = hn::Lanes(d);
  Vector sum[kCount][kVectors];
  HWY_UNROLL(6)
  for (std::size_t r = 0; r < kCount; ++r) {
    HWY_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v) sum[r][v] = hn::LoadU(d, tile.start + v * lanes);
  }
  const std::uint8_t* queries = tile.queries;
  const std::int8_t* points = tile.points;
  for (std::size_t g = 0; g < tile.groups; ++g, queries += kGroup, points += kGroup * kPanelRows) {
    Vector w[kVectors];
    HWY_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v)
      w[v] = hn::BitCast(d, hn::LoadU(hn::Repartition<std::int8_t, Integers>(), points + v * tile.panel_bytes));
    HWY_UNROLL(6)
    for (std::size_t r = 0; r < kCount; ++r) {
      std::int32_t four = 0;
      std::memcpy(&four, queries + r * tile.query_stride, sizeof four);
      const Vector x = hn::Set(d, four);
      HWY_UNROLL(4)
      for (std::size_t v = 0; v < kVectors; ++v) sum[r][v] = add_products(sum[r][v], x, w[v]);
    }
  }
  HWY_UNROLL(6)
  for (std::size_t r = 0; r < kCount; ++r) {
    HWY_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v) {
      const auto scale = hn::LoadU(floats, tile.scale + v * lanes);
      hn::StoreU(hn::Mul(hn::ConvertTo(floats, sum[r][v]), scale), floats, tile.out + r * tile.out_stride + v * lanes);
    }
  }
}

void multiply(ByteTile tile, std::size_t queries, std::size_t points) {
  constexpr std::size_t kWidth = kVectors * kPanelRows;
  for (std::size_t column = 0; column < points; column += kWidth) {  // the points' panels stay in the L1 or L2 cache
    ByteTile now = tile;
    for (std::size_t left = queries; left > 0;) {
      const std::size_t count = std::min(left, kRows);
      if (count == kRows) {
        multiply_tile<kRows>(now);
      } else {
        for (std::size_t i = 0; i < count; ++i) {
          ByteTile one = now;
          one.queries += i * now.query_stride;
          one.out += i * now.out_stride;
          multiply_tile<1>(one);
        }
      }
      now.queries += count * now.query_stride;
      now.out += count * now.out_stride;
      left -= count;
    }
    tile.points += kVectors * tile.panel_bytes;
    tile.start += kWidth;
    tile.scale += kWidth;
    tile.out += kWidth;
  }
}
#else
bool has_byte_products() {
  return false;
}
void multiply(ByteTile /*tile*/, std::size_t /*queries*/, std::size_t /*points*/) {}
#endif

float largest(const float* row, std::size_t count) {
  const hn::ScalableTag<float> d;
  auto most = hn::Zero(d);
  std::size_t j = 0;
  for (; j + hn::Lanes(d) <= count; j += hn::Lanes(d)) most = hn::Max(most, hn::Abs(hn::LoadU(d, row + j)));
  float result = hn::GetLane(hn::MaxOfLanes(d, most));
  for (; j < count; ++j) result = std::max(result, std::abs(row[j]));
  return result;
}

// Integers of a row; returns the square of the length of what they leave.
float round_row(const float* row, std::size_t count, float scale, std::int32_t* out) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> integers;
  const auto inverse = hn::Set(d, 1 / scale), step = hn::Set(d, scale);
  const auto low = hn::Set(integers, -kMost), high = hn::Set(integers, kMost);
  auto squares = hn::Zero(d);
  std::size_t j = 0;
  for (; j + hn::Lanes(d) <= count; j += hn::Lanes(d)) {
    const auto value = hn::LoadU(d, row + j);
    const auto rounded = hn::Clamp(hn::NearestInt(hn::Mul(value, inverse)), low, high);
    const auto rest = hn::NegMulAdd(step, hn::ConvertTo(d, rounded), value);
    squares = hn::MulAdd(rest, rest, squares);
    hn::StoreU(rounded, integers, out + j);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, squares));
  for (; j < count; ++j) {
    out[j] = std::clamp(static_cast<std::int32_t>(std::nearbyint(row[j] * (1 / scale))), -kMost, kMost);
    const float rest = row[j] - scale * static_cast<float>(out[j]);
    sum += rest * rest;
  }
  return sum;
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(multiply);
HWY_EXPORT(has_byte_products);
HWY_EXPORT(largest);
HWY_EXPORT(round_row);

namespace {

constexpr std::size_t kPointsAtOnce = 64;

std::size_t padded(std::size_t count, std::size_t step) {
  return (count + step - 1) / step * step;
}

void resize(ByteRows& packed, blas::View<const float> rows, std::size_t row_step) {
  const std::size_t count = padded(rows.rows, row_step);
  packed.rows = rows.rows;
  packed.cols = rows.cols;
  packed.bytes.resize(count * padded(rows.cols, kGroup));
  packed.scale.assign(count, 0);
  packed.rest.assign(count, 0);
  packed.sum.assign(count, 0);
}

// Integers of row i, into `integers`.
void round(ByteRows& packed, blas::View<const float> rows, std::size_t i, std::vector<std::int32_t>& integers) {
  const float* row = rows.data + i * rows.stride;
  // Without the smallest numbers, whose inverse is not finite; such a row becomes zeros and a rest.
  const float scale = HWY_DYNAMIC_DISPATCH(largest)(row, rows.cols) / kMost;
  packed.scale[i] = std::max(scale, 1e-30f);
  const float squares = HWY_DYNAMIC_DISPATCH(round_row)(row, rows.cols, packed.scale[i], integers.data());
  // The sum of squares and the rests themselves are rounded, and squares below 1e-38 are 0.
  packed.rest[i] = 1.001f * std::sqrt(squares) +
                   (1e-6f * kMost * packed.scale[i] + 1e-18f) * std::sqrt(static_cast<float>(rows.cols));
  std::int32_t sum = 0;
  for (std::size_t j = 0; j < rows.cols; ++j) sum += integers[j];
  packed.sum[i] = sum;
}

}  // namespace

bool has_byte_products() {
  return HWY_DYNAMIC_DISPATCH(has_byte_products)();
}

std::size_t padded_points(std::size_t points) {
  return padded(points, kPointsAtOnce);
}

ByteRows pack_points(blas::View<const float> rows) {
  ByteRows packed;
  resize(packed, rows, kPointsAtOnce);
  const std::size_t depth = padded(rows.cols, kGroup), panels = padded_points(rows.rows) / kPanelRows;
  parallel_for(panels, [&](std::size_t panel, int) {
    std::vector<std::int32_t> integers(depth);
    std::vector<std::int8_t> row(depth);
    std::uint8_t* const bytes = packed.bytes.data() + panel * kPanelRows * depth;
    for (std::size_t r = 0; r < kPanelRows && panel * kPanelRows + r < rows.rows; ++r) {  // the others stay 0
      round(packed, rows, panel * kPanelRows + r, integers);
      std::ranges::transform(integers, row.begin(), [](std::int32_t value) { return static_cast<std::int8_t>(value); });
      for (std::size_t j = 0; j < depth; j += kGroup)
        std::memcpy(bytes + j * kPanelRows + r * kGroup, row.data() + j, kGroup);
    }
  });
  return packed;
}

void pack_queries(blas::View<const float> rows, ByteRows& packed) {
  resize(packed, rows, 1);
  const std::size_t depth = padded(rows.cols, kGroup);
  std::vector<std::int32_t> integers(depth);
  for (std::size_t i = 0; i < rows.rows; ++i) {
    round(packed, rows, i, integers);
    for (std::size_t j = 0; j < depth; ++j)
      packed.bytes[i * depth + j] = static_cast<std::uint8_t>(integers[j] + kMost + 1);
  }
}

void multiply_bytes(const ByteRows& queries, const ByteRows& points, std::size_t first, blas::View<float> products) {
  const std::size_t depth = padded(points.cols, kGroup);
  std::vector<std::int32_t> start(padded_points(products.cols));
  for (std::size_t j = 0; j < start.size(); ++j) start[j] = -(kMost + 1) * points.sum[first + j];
  HWY_DYNAMIC_DISPATCH(multiply)
  ({.queries = queries.bytes.data(),
    .query_stride = depth,
    .points = reinterpret_cast<const std::int8_t*>(points.bytes.data()) + first * depth,
    .panel_bytes = kPanelRows * depth,
    .start = start.data(),
    .scale = points.scale.data() + first,
    .out = products.data,
    .out_stride = products.stride,
    .groups = depth / kGroup},
   queries.rows, start.size());
}

}  // namespace genrewise
#endif
