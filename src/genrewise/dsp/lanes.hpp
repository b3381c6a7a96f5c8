// Aligned memory for SIMD instructions and FFTs, and SIMD over frames: one frame per lane of a vector register.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace genrewise {

inline constexpr std::size_t kAlignmentBytes = 64;

/// Allocator with 64-byte alignment.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t(kAlignmentBytes)));
  }
  void deallocate(T* memory, std::size_t) { ::operator delete(memory, std::align_val_t(kAlignmentBytes)); }
  friend bool operator==(const AlignedAllocator&, const AlignedAllocator&) { return true; }
};

/// A std::vector whose data starts on a 64-byte boundary.
template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

/// `count` floats rounded up to a multiple of 64 bytes (in floats): a row stride that keeps every row aligned.
constexpr std::size_t aligned_stride(std::size_t count) {
  constexpr std::size_t kFloats = kAlignmentBytes / sizeof(float);
  return (count + kFloats - 1) / kFloats * kFloats;
}

// The register width of the target processor; results do not depend on it.
#if defined(__AVX512F__)
inline constexpr std::size_t kLanes = 16;
#elif defined(__AVX__)
inline constexpr std::size_t kLanes = 8;
#else
inline constexpr std::size_t kLanes = 4;
#endif

/// kLanes floats with element-wise operators (GCC and Clang vector extension).
typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));
typedef std::int32_t IntLanes __attribute__((vector_size(kLanes * sizeof(float))));

/// `memory` must be aligned to the size of Lanes.
inline Lanes load_lanes(const float* memory) {
  return *reinterpret_cast<const Lanes*>(memory);
}
/// `memory` must be aligned to the size of Lanes.
inline void store_lanes(float* memory, Lanes values) {
  *reinterpret_cast<Lanes*>(memory) = values;
}
/// All lanes with the same value.
inline Lanes all_lanes(float value) {
  return Lanes{} + value;
}
inline Lanes min_lanes(Lanes a, Lanes b) {
  return a < b ? a : b;
}
inline Lanes max_lanes(Lanes a, Lanes b) {
  return a > b ? a : b;
}
/// The sum of all lanes.
inline float sum_of_lanes(Lanes values) {
  float sum = 0;
  for (std::size_t i = 0; i < kLanes; ++i) sum += values[i];
  return sum;
}

/// The maximum of all lanes.
inline float largest_lane(Lanes values) {
  float largest = values[0];
  for (std::size_t i = 1; i < kLanes; ++i) largest = values[i] > largest ? values[i] : largest;
  return largest;
}

/// log10 of positive normal numbers, with a relative error of 2e-7 or an absolute error of 1e-7, whichever is larger (a
/// series in (m - 1) / (m + 1), m the mantissa in [sqrt(1/2), sqrt(2))).
inline Lanes log10_lanes(Lanes x) {
  const IntLanes bits = (IntLanes)x;
  const IntLanes exponent = (bits - 0x3f3504f3) >> 23;  // 0x3f3504f3: sqrt(1/2)
  const Lanes mantissa = (Lanes)(bits - (exponent << 23));
  const Lanes t = (mantissa - 1.0f) / (mantissa + 1.0f);
  const Lanes t2 = t * t;
  // 2 / ln(10) * (1 + t^2 / 3 + t^4 / 5 + ...): |t| <= 0.1716, so the next term is below 1e-9.
  constexpr float kScale = 0.868588963806503655f;
  Lanes series = all_lanes(kScale / 11);
  series = series * t2 + kScale / 9;
  series = series * t2 + kScale / 7;
  series = series * t2 + kScale / 5;
  series = series * t2 + kScale / 3;
  series = series * t2 * t + kScale * t;
  return series + __builtin_convertvector(exponent, Lanes) * 0.301029995663981195f;
}

namespace lanes_detail {

// Transposes in log2(kLanes) rounds, each of which swaps the off-diagonal halves of squares.
template <std::size_t kHalf, std::size_t... kIndex>
inline void swap_halves(Lanes& a, Lanes& b, std::index_sequence<kIndex...>) {
  const Lanes low = __builtin_shufflevector(a, b, (kIndex & kHalf ? kLanes + (kIndex ^ kHalf) : kIndex)...);
  const Lanes high = __builtin_shufflevector(a, b, (kIndex & kHalf ? kLanes + kIndex : (kIndex ^ kHalf))...);
  a = low;
  b = high;
}

template <std::size_t kHalf>
inline void transpose_round(Lanes (&square)[kLanes]) {
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kLanes; ++i) {
    if (!(i & kHalf)) swap_halves<kHalf>(square[i], square[i + kHalf], std::make_index_sequence<kLanes>());
  }
  if constexpr (kHalf > 1) transpose_round<kHalf / 2>(square);
}

}  // namespace lanes_detail

/// Transposes a kLanes x kLanes square in place.
inline void transpose_square(Lanes (&square)[kLanes]) {
  lanes_detail::transpose_round<kLanes / 2>(square);
}

/// Transposes kLanes rows of `count` values (row i at rows + i * stride) into `tile` (count x kLanes), where the values
/// of all rows at one index are adjacent. Rows are padded to a multiple of kLanes values.
inline void transpose_to_lanes(const float* rows, std::size_t stride, std::size_t count, float* tile) {
  for (std::size_t at = 0; at < count; at += kLanes) {
    Lanes square[kLanes];
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kLanes; ++i) square[i] = load_lanes(rows + i * stride + at);
    transpose_square(square);
    const std::size_t end = count - at < kLanes ? count - at : kLanes;
    for (std::size_t i = 0; i < end; ++i) store_lanes(tile + (at + i) * kLanes, square[i]);
  }
}

}  // namespace genrewise
