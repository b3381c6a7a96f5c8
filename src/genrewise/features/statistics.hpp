// The seven statistics over time that stand in feature tables. Private to this room.
#pragma once

#include "genrewise/dsp/moments.hpp"

namespace genrewise {

struct Statistic {
  const char* name;
  float Moments::*value;
};

/// In alphabetical order, as pandas sorts the columns of FMA's table.
inline constexpr Statistic kStatistics[] = {
    {"kurtosis", &Moments::kurtosis}, {"max", &Moments::max},   {"mean", &Moments::mean}, {"median", &Moments::median},
    {"min", &Moments::min},           {"skew", &Moments::skew}, {"std", &Moments::std}};

}  // namespace genrewise
