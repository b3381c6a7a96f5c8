// Loops over spans of floats on vector registers.
#pragma once

#include <span>

namespace genrewise {

/// The scalar product of two spans of equal size, summed in float. The order of the additions, and so the last bits,
/// depend on the processor's instruction set.
float dot(std::span<const float> a, std::span<const float> b);

/// Whether no value is infinite or NaN.
bool all_finite(std::span<const float> values);

}  // namespace genrewise
