// The seven statistics over time of feature tables. Private to this module.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "genrewise/dsp/moments.hpp"
#include "genrewise/features/frame_analysis.hpp"

namespace genrewise {

struct Statistic {
  const char* name;
  float Moments::*value;
};

/// Alphabetical, as the columns of FMA's table.
inline constexpr Statistic kStatistics[] = {
    {"kurtosis", &Moments::kurtosis}, {"max", &Moments::max},   {"mean", &Moments::mean}, {"median", &Moments::median},
    {"min", &Moments::min},           {"skew", &Moments::skew}, {"std", &Moments::std}};

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
