#include "genrewise/dsp/lanes.hpp"

namespace genrewise {

void transpose_to_lanes(const float* rows, std::size_t stride, std::size_t count, float* tile) {
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
