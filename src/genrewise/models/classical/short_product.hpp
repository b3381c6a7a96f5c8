// Products of rows of 16-bit integers, for screening: half the memory of floats and twice the multiplications a cycle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "genrewise/models/classical/blas.hpp"

namespace genrewise {

/// Whether such products are worth while with the instructions that this program is built for. With AVX-512 a float
/// product does as many multiplications a cycle.
#if defined(__AVX2__) && !defined(__AVX512F__)
inline constexpr bool kShortProductsAreFast = true;
#else
inline constexpr bool kShortProductsAreFast = false;
#endif

inline constexpr std::size_t kShortQueries = 6, kShortPoints = 16;  // a tile of products that fits the registers
inline constexpr std::size_t kMostShortColumns = 4096;              // with more, rounding hides which points are near

/// Rows less `centre`, each about a step of its own times whole numbers. A whole row's length is below 2^15.5, so that
/// no sum of products of two rows leaves 32 bits (Cauchy-Schwarz, also for the first so many columns).
/// Panels of `height` rows (the last is filled up with zeros), pair of columns by pair of columns.
struct ShortRows {
  std::size_t rows = 0, height = 0, pairs = 0;
  std::shared_ptr<std::int16_t[]> values;  ///< panels x pairs x height x 2
  // Per row, filled up like the panels; in units of 1 / `unit`.
  std::vector<float> step;
  std::vector<float> error;         ///< at least the distance between the row and what stands for it; may be infinite
  std::vector<float> squared_norm;  ///< of what stands for the row

  std::size_t panels() const { return (rows + height - 1) / height; }
  const std::int16_t* panel(std::size_t index) const { return values.get() + index * pairs * height * 2; }
};

/// `unit` (a power of two) brings lengths to about 1. A row that is not finite, or 1e15 times longer than that, is all
/// zeros with an infinite error. At most kMostShortColumns columns. Over all threads.
ShortRows shorten(blas::View<const float> rows, std::span<const float> centre, double unit, std::size_t height);

/// products[i * kShortPoints + j] = the product of row i of a panel of kShortQueries and row j of one of kShortPoints.
void multiply_short(const std::int16_t* queries, const std::int16_t* points, std::size_t pairs, std::int32_t* products);

}  // namespace genrewise
