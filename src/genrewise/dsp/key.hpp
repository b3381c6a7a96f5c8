// Key estimation.
#pragma once

#include <array>
#include <span>

namespace genrewise {

struct KeyEstimate {
  int tonic = 0;  ///< pitch class, 0 = C
  bool minor = false;
  float strength = 0;  ///< correlation with that key's profile, [-1, 1]
  float margin = 0;    ///< difference to the strength of the second best key
  float mode = 0;      ///< the best major key's correlation minus the best minor key's
};

/// Krumhansl's key-finding algorithm (Krumhansl, 1990): correlates the average chroma of a piece (12 pitch classes from
/// C, not negative) with the probe-tone profiles of Krumhansl and Kessler (1982) of all 24 keys. A flat or silent
/// chroma gives C major with strength, margin and mode 0.
KeyEstimate estimate_key(std::span<const float, 12> chroma);

}  // namespace genrewise
