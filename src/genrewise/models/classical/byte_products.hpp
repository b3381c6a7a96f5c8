// Inexact products of rows, from bytes, for processors with AVX-512 VNNI.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genrewise/models/classical/blas.hpp"

namespace genrewise {

/// Rows in bytes: row i is scale[i] * (its integers) + a rest of the length rest[i] (an upper bound).
struct ByteRows {
  std::size_t rows = 0, cols = 0;
  std::vector<std::uint8_t> bytes;
  std::vector<float> scale, rest;
  std::vector<std::int32_t> sum;  ///< of each row's integers
};

/// Whether this processor multiplies bytes several times faster than floats (AVX-512 VNNI); the functions below need
/// it.
bool has_byte_products();

/// Number of points for which multiply_bytes() writes products: a multiple of 64.
std::size_t padded_points(std::size_t points);

/// The right side. Its bytes lie in panels of 16 rows: 4 values of each of the rows, then the next 4.
ByteRows pack_points(blas::View<const float> rows);
/// The left side: row after row, each padded to a multiple of 4 and moved into the range of unsigned bytes.
void pack_queries(blas::View<const float> rows, ByteRows& packed);

/// products(i, j) = points.scale[first + j] * (integers of query i) . (integers of point first + j); `first` is a
/// multiple of 64, and rows of `products` have room for padded_points() of its columns. Runs on the calling thread.
/// Times query i's scale, a product differs from the exact one by at most rest_i * |point j| + (|query i| + rest_i) *
/// rest_j, and by the rounding of two float operations.
void multiply_bytes(const ByteRows& queries, const ByteRows& points, std::size_t first, blas::View<float> products);

}  // namespace genrewise
