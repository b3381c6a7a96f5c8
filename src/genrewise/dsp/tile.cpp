#include "genrewise/dsp/tile.hpp"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/dsp/tile.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, kTileFrames>;

// Four values of each of as many rows as `d` has lanes: block b of 128 bits is from row 4 b.
template <class D>
hn::Vec<D> blocks_of_rows(D d, const float* from, std::size_t stride) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, blocks_of_rows(half, from + hn::Lanes(half) * stride, stride),
                       blocks_of_rows(half, from, stride));
  }
}

void transpose(const float* from, std::size_t from_stride, std::size_t rows, std::size_t columns, float* to,
               std::size_t to_stride) {
  const Floats d;
  for (std::size_t row = 0; row < rows; row += hn::Lanes(d))
    for (std::size_t column = 0; column < columns; column += 4) {
      const float* const at = from + row * from_stride + column;
      const auto r0 = blocks_of_rows(d, at, from_stride), r1 = blocks_of_rows(d, at + from_stride, from_stride);
      const auto r2 = blocks_of_rows(d, at + 2 * from_stride, from_stride);
      const auto r3 = blocks_of_rows(d, at + 3 * from_stride, from_stride);
      // Transposes 4 x 4 values in each block.
      const auto even_low = hn::InterleaveLower(d, r0, r2), odd_low = hn::InterleaveLower(d, r1, r3);
      const auto even_high = hn::InterleaveUpper(d, r0, r2), odd_high = hn::InterleaveUpper(d, r1, r3);
      const std::size_t count = columns - column;
      float* const out = to + column * to_stride + row;
      hn::StoreU(hn::InterleaveLower(d, even_low, odd_low), d, out);
      if (count > 1) hn::StoreU(hn::InterleaveUpper(d, even_low, odd_low), d, out + to_stride);
      if (count > 2) hn::StoreU(hn::InterleaveLower(d, even_high, odd_high), d, out + 2 * to_stride);
      if (count > 3) hn::StoreU(hn::InterleaveUpper(d, even_high, odd_high), d, out + 3 * to_stride);
    }
}

float maximum(const float* values, std::size_t count) {
  const Floats d;
  auto most = hn::Set(d, values[0]);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) most = hn::Max(most, hn::LoadU(d, values + i));
  float result = hn::GetLane(hn::MaxOfLanes(d, most));
  for (; i < count; ++i) result = std::max(result, values[i]);
  return result;
}

void square_root(const float* values, std::size_t count, float* out) {
  const Floats d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) hn::StoreU(hn::Sqrt(hn::LoadU(d, values + i)), d, out + i);
  for (; i < count; ++i) out[i] = std::sqrt(values[i]);
}

void square(float* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) values[i] *= values[i];
}

void log10(const float* values, std::size_t count, float factor, float offset, float* out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const auto scale = hn::Set(d, factor), add = hn::Set(d, offset);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(hn::Log10(d, hn::MulAdd(hn::LoadU(d, values + i), scale, add)), d, out + i);
  if (i == count) return;
  float rest[kTileFrames] = {};  // the same instructions, so that a value does not depend on its position
  std::copy(values + i, values + count, rest);
  hn::StoreU(hn::Log10(d, hn::MulAdd(hn::LoadU(d, rest), scale, add)), d, rest);
  std::copy_n(rest, count - i, out + i);
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(transpose);
HWY_EXPORT(maximum);
HWY_EXPORT(square_root);
HWY_EXPORT(square);
HWY_EXPORT(log10);

void transpose(const float* from, std::size_t from_stride, std::size_t rows, std::size_t columns, float* to,
               std::size_t to_stride) {
  HWY_DYNAMIC_DISPATCH(transpose)(from, from_stride, rows, columns, to, to_stride);
}

float maximum(std::span<const float> values) {
  return HWY_DYNAMIC_DISPATCH(maximum)(values.data(), values.size());
}

void square_root(std::span<const float> values, float* out) {
  HWY_DYNAMIC_DISPATCH(square_root)(values.data(), values.size(), out);
}

void square(std::span<float> values) {
  HWY_DYNAMIC_DISPATCH(square)(values.data(), values.size());
}

void log10(std::span<const float> values, float factor, float offset, float* out) {
  HWY_DYNAMIC_DISPATCH(log10)(values.data(), values.size(), factor, offset, out);
}

}  // namespace genrewise
#endif
