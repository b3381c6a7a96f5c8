// The seven statistics over time of feature tables. Private to this module.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "genrewise/dsp/moments.hpp"
#include "genrewise/features/frame_analysis.hpp"
#include "genrewise/features/recipe.hpp"

namespace genrewise {

struct Statistic {
  const char* name;
  float Moments::*value;
};

/// Alphabetical, as the columns of FMA's table.
inline constexpr Statistic kStatistics[] = {
    {"kurtosis", &Moments::kurtosis}, {"max", &Moments::max},   {"mean", &Moments::mean}, {"median", &Moments::median},
    {"min", &Moments::min},           {"skew", &Moments::skew}, {"std", &Moments::std}};

/// Appends the columns of a feature of `rows` rows, in the order of write_statistics().
inline void append_columns(const char* feature, std::size_t rows, std::vector<FeatureColumn>& columns) {
  for (const Statistic& statistic : kStatistics)
    for (std::size_t row = 1; row <= rows; ++row) columns.push_back({feature, statistic.name, zero_padded(row, 2)});
}

/// Copies a matrix of frames x rows to the rows from `first_row` on.
inline void copy_transposed(const Matrix& from, Series& to, std::size_t first_row) {
  for (std::size_t row = 0; row < from.cols(); ++row)
    for (std::size_t i = 0; i < from.rows(); ++i) to.data(first_row + row)[i] = from(i, row);
}

/// Writes the statistics of `rows` rows from `first_row` on: the kurtosis of all rows, then the maximum of all rows,
/// and so on. `keys` is work memory of moments().
inline void write_statistics(Series& series, std::size_t first_row, std::size_t rows, std::vector<std::int32_t>& keys,
                             std::span<float> out) {
  for (std::size_t row = 0; row < rows; ++row) {
    const Moments values = moments(series.row(first_row + row), keys);
    for (std::size_t s = 0; s < std::size(kStatistics); ++s) out[s * rows + row] = values.*kStatistics[s].value;
  }
}

}  // namespace genrewise
