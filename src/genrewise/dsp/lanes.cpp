#include "genrewise/dsp/lanes.hpp"

#include <utility>

namespace genrewise {
namespace {

// Moves one square of kLanes x kLanes by log2(kLanes) rounds, each of which swaps the off-diagonal halves of squares.
template <std::size_t kHalf, std::size_t... kIndex>
void swap_halves(Lanes& a, Lanes& b, std::index_sequence<kIndex...>) {
  const Lanes low = __builtin_shufflevector(a, b, (kIndex & kHalf ? kLanes + (kIndex ^ kHalf) : kIndex)...);
  const Lanes high = __builtin_shufflevector(a, b, (kIndex & kHalf ? kLanes + kIndex : (kIndex ^ kHalf))...);
  a = low;
  b = high;
}

template <std::size_t kHalf>
void transpose_round(Lanes (&square)[kLanes]) {
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kLanes; ++i) {
    if (!(i & kHalf)) swap_halves<kHalf>(square[i], square[i + kHalf], std::make_index_sequence<kLanes>());
  }
  if constexpr (kHalf > 1) transpose_round<kHalf / 2>(square);
}

}  // namespace

void transpose_to_lanes(const float* rows, std::size_t stride, std::size_t count, float* tile) {
  for (std::size_t at = 0; at < count; at += kLanes) {
    Lanes square[kLanes];
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kLanes; ++i) square[i] = load_lanes(rows + i * stride + at);
    transpose_round<kLanes / 2>(square);
    const std::size_t end = count - at < kLanes ? count - at : kLanes;
    for (std::size_t i = 0; i < end; ++i) store_lanes(tile + (at + i) * kLanes, square[i]);
  }
}

}  // namespace genrewise
