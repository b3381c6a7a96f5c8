// Tiles of frames, which kernels process one frame per lane of a vector register, and loops over arrays of floats.
// Every kernel is compiled for several instruction sets and chosen at run time (CONTRIBUTING.md, "Vector kernels").
#pragma once

#include <cstddef>
#include <span>

#include "genrewise/base/aligned.hpp"

namespace genrewise {

/// Frames of a tile: value k of frame i is at [k * kTileFrames + i]. As many as the lanes of the widest registers;
/// narrower ones take a row in several steps.
inline constexpr std::size_t kTileFrames = 16;

/// to (columns x to_stride) = from (rows x from_stride) transposed. `rows` is a multiple of kTileFrames; rows of `from`
/// can be read up to a multiple of four values.
void transpose(const float* from, std::size_t from_stride, std::size_t rows, std::size_t columns, float* to,
               std::size_t to_stride);

/// Transposes kTileFrames rows of `count` values into a tile.
inline void transpose_to_tile(const float* rows, std::size_t stride, std::size_t count, float* tile) {
  transpose(rows, stride, kTileFrames, count, tile, kTileFrames);
}

/// The maximum of at least one value.
float maximum(std::span<const float> values);
/// out[i] = the square root of values[i].
void square_root(std::span<const float> values, float* out);
/// Squares in place.
void square(std::span<float> values);
/// out[i] = log10(factor * values[i] + offset), for positive normal arguments, to 3e-7 relative or absolute, whichever
/// is larger. `out` may be `values`.
void log10(std::span<const float> values, float factor, float offset, float* out);

}  // namespace genrewise
