// Vectors of eight channels. Private to this folder.
#pragma once

#include <cstddef>
#include <limits>

#ifdef __AVX__
#include <immintrin.h>
#endif

namespace genrewise {

inline constexpr std::size_t kOctet = 8;

/// Eight floats, unaligned (GCC and Clang vector extension); two registers on processors with four lanes.
typedef float Octet __attribute__((vector_size(kOctet * sizeof(float)), aligned(4), may_alias));

inline const Octet& octet_at(const float* memory) {
  return *reinterpret_cast<const Octet*>(memory);
}
inline Octet& octet_at(float* memory) {
  return *reinterpret_cast<Octet*>(memory);
}

constexpr std::size_t octets_of(std::size_t channels) {
  return (channels + kOctet - 1) / kOctet;
}

inline Octet all_octet(float value) {
  return Octet{value, value, value, value, value, value, value, value};
}

/// The activation after a convolution: those of these networks clip, and hard-swish, x * clip(x + 3, 0, 6) / 6,
/// multiplies by the clipped value.
struct Activation {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  bool hard_swish = false;
};
inline constexpr Activation kNoActivation = {};
inline constexpr Activation kRelu = {.low = 0};
inline constexpr Activation kRelu6 = {.low = 0, .high = 6};
inline constexpr Activation kHardSwish = {.hard_swish = true};

// GCC emits two instructions for comparison and selection; the processor has one.
inline Octet smaller(const Octet& a, const Octet& b) {
#ifdef __AVX__
  return _mm256_min_ps(a, b);
#else
  return a < b ? a : b;
#endif
}
inline Octet larger(const Octet& a, const Octet& b) {
#ifdef __AVX__
  return _mm256_max_ps(a, b);
#else
  return a > b ? a : b;
#endif
}

/// a * b + c, rounded once where the processor supports it. Explicit, because GCC contracts some sums but not others,
/// and results would depend on how the rows are distributed over threads.
inline Octet multiply_add(const Octet& a, const Octet& b, const Octet& c) {
#ifdef __FMA__
  return _mm256_fmadd_ps(a, b, c);
#else
  return a * b + c;
#endif
}

template <std::size_t kCount>
[[gnu::always_inline]] inline void activate(Octet (&values)[kCount], const Activation& activation) {
  if (activation.hard_swish) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kCount; ++i) {
      const Octet gate = smaller(larger(values[i] + 3.0f, Octet{}), all_octet(6.0f));
      values[i] = values[i] * gate * (1.0f / 6);
    }
    return;
  }
  const Octet low = all_octet(activation.low), high = all_octet(activation.high);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kCount; ++i) values[i] = smaller(larger(values[i], low), high);
}

}  // namespace genrewise
