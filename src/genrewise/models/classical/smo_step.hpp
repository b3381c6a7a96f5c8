// The vector loops of sequential minimal optimisation (smo.cpp). Private to this module.
#pragma once

#include <cstddef>
#include <limits>

namespace genrewise {

inline constexpr std::size_t kSmoLanes = 8;          ///< doubles of the widest registers
inline constexpr double kLeastSmoCurvature = 1e-12;  ///< replaces it where the kernel is not positive definite

/// The examples of one class. Arrays are padded to a multiple of kSmoLanes with examples that are neither up nor low.
struct SmoClass {
  std::size_t start = 0, count = 0;  ///< its first slot, and its examples without padding
  double* f = nullptr;
  const double *up = nullptr, *low = nullptr;  ///< 0 for the up (low) examples, else the infinity that excludes one
  const double* diagonal = nullptr;            ///< of the kernel
};

/// The smallest f of an up example, its slot (the last one of equals, as libsvm), and the largest f of a low one.
struct SmoExtremes {
  double f_up = std::numeric_limits<double>::infinity(), highest_low = -std::numeric_limits<double>::infinity();
  std::size_t up_at = 0;
};

/// The low example with the largest gain of a step, (f - f_up)^2 / curvature.
struct SmoSecond {
  double gain = -1;
  std::size_t at = 0;
};

/// f += delta * (a - b), where a and b are rows of the kernel; then updates the extremes.
void update_smo(const SmoClass& of_class, const float* a, const float* b, double delta, SmoExtremes& seen);

/// Updates the best second example for the up example with this row of the kernel, f and diagonal.
void find_smo_second(const SmoClass& of_class, const float* row_up, double f_up, double diagonal_up, SmoSecond& best);

}  // namespace genrewise
