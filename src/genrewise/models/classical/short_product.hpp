// Products of int16-quantised rows, for screening: half the memory of float and twice the multiplications per cycle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "genrewise/models/classical/blas.hpp"

namespace genrewise {

/// Whether such products are faster than float products with the instruction set of this build. With AVX-512, a float
/// product performs as many multiplications per cycle.
#if defined(__AVX2__) && !defined(__AVX512F__)
inline constexpr bool kShortProductsAreFast = true;
#else
inline constexpr bool kShortProductsAreFast = false;
#endif

inline constexpr std::size_t kShortQueries = 6, kShortPoints = 16;  // a tile of products that fits into the registers
inline constexpr std::size_t kMostShortColumns = 4096;  // with more columns, rounding obscures which points are near

/// int16-quantised rows: each row less `centre` is approximately its own step times integers. A row's norm is below
/// 2^15.5, so that no sum of products of two rows exceeds 32 bits (Cauchy-Schwarz, also for any prefix of the columns).
/// Stored in panels of `height` rows (the last is padded with zeros), pair of columns by pair of columns.
struct ShortRows {
  std::size_t rows = 0, height = 0, pairs = 0;
  std::shared_ptr<std::int16_t[]> values;  ///< panels x pairs x height x 2
  // Per row, padded like the panels; in units of 1 / `unit`.
  std::vector<float> step;
  std::vector<float> error;  ///< upper bound of the distance between the row and its approximation; may be infinite
  std::vector<float> squared_norm;  ///< of the approximation

  std::size_t panels() const { return (rows + height - 1) / height; }
  const std::int16_t* panel(std::size_t index) const { return values.get() + index * pairs * height * 2; }
};

/// `unit` (a power of two) scales norms to about 1. A row that is not finite, or has a norm above 1e15 times that,
/// becomes zeros with an infinite error. At most kMostShortColumns columns. Uses all threads.
ShortRows shorten(blas::View<const float> rows, std::span<const float> centre, double unit, std::size_t height);

/// products[i * kShortPoints + j] = product of row i of a panel of kShortQueries and row j of a panel of kShortPoints.
void multiply_short(const std::int16_t* queries, const std::int16_t* points, std::size_t pairs, std::int32_t* products);

}  // namespace genrewise
