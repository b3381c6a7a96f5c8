// Conversion between float and IEEE 754 binary16.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace genrewise {

/// Rounds to nearest, ties to even; for magnitudes up to 65,504.
inline std::uint16_t to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000;
  const float magnitude = std::fabs(value);
  if (magnitude < 0x1p-14F) {  // subnormal float16: multiples of 2^-24
    return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(std::nearbyint(magnitude * 0x1p24F)));
  }
  const std::uint32_t rebased = (bits & 0x7fffffff) - (112u << 23);
  return static_cast<std::uint16_t>(sign | (rebased + 0xfff + (rebased >> 13 & 1)) >> 13);
}

/// Without branches, so that loops of it are vectorised.
inline float from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16, rest = half & 0x7fffu;
  const float finite = std::bit_cast<float>(rest << 13) * 0x1p112F;  // moves the exponent; exact, subnormals included
  const std::uint32_t bits = rest >= 0x7c00 ? 0x7f800000u | (rest & 0x3ff) << 13 : std::bit_cast<std::uint32_t>(finite);
  return std::bit_cast<float>(bits | sign);
}

}  // namespace genrewise
