// The seven statistics over time of feature tables. Private to this module.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "genrewise/dsp/frame_series.hpp"
#include "genrewise/features/feature_set.hpp"
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

/// Rows of one of several Series.
struct SeriesRows {
  const char* feature;
  std::size_t series, first_row, rows;
};

/// The columns of all features, in the order of write_statistics().
inline std::vector<FeatureColumn> statistics_columns(std::span<const SeriesRows> features) {
  std::vector<FeatureColumn> columns;
  for (const auto& [feature, series, first_row, rows] : features)
    for (const Statistic& statistic : kStatistics)
      for (std::size_t row = 1; row <= rows; ++row) columns.push_back({feature, statistic.name, zero_padded(row, 2)});
  return columns;
}

/// Copies a matrix of frames x rows to the rows from `first_row` on.
inline void copy_transposed(const Matrix& from, Series& to, std::size_t first_row) {
  for (std::size_t row = 0; row < from.cols(); ++row)
    for (std::size_t i = 0; i < from.rows(); ++i) to.data(first_row + row)[i] = from(i, row);
}

/// Writes the statistics of each feature to `out`: the kurtosis of all rows, then the maximum of all rows, and so on.
/// Returns the end of what was written. `keys` is work memory of moments().
inline float* write_statistics(std::span<const SeriesRows> features, std::initializer_list<Series*> sources,
                               std::vector<std::int32_t>& keys, float* out) {
  for (const auto& [feature, series, first_row, rows] : features) {
    for (std::size_t row = 0; row < rows; ++row) {
      const Moments values = moments(sources.begin()[series]->row(first_row + row), keys);
      for (std::size_t s = 0; s < std::size(kStatistics); ++s) out[s * rows + row] = values.*kStatistics[s].value;
    }
    out += std::size(kStatistics) * rows;
  }
  return out;
}

}  // namespace genrewise
