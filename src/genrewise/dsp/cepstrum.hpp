// Decibel conversion and the discrete cosine transform.
#pragma once

#include <cstddef>
#include <span>

#include "genrewise/dsp/aligned.hpp"

namespace genrewise {

inline constexpr float kMinimumPower = 1e-10f;  ///< librosa's amin
inline constexpr float kDynamicRangeDb = 80;    ///< librosa's top_db

/// Replaces each power p by 10 log10(max(p, amin)) dB, like librosa.power_to_db(ref=1, top_db=None). The span must be
/// aligned and its size a multiple of kLanes.
void power_to_db(std::span<float> values);

/// The first n_out coefficients of the orthonormal DCT-II of n_in values, like scipy.fft.dct(type=2, norm="ortho").
class Dct {
 public:
  /// Throws Error unless 0 < n_out <= n_in.
  Dct(std::size_t n_in, std::size_t n_out);

  /// Transforms kLanes columns at once: reads value i of all columns at in + i * in_stride, raised to at least `floor`
  /// (for top_db), and writes coefficient j at out + j * out_stride. All rows are aligned.
  void apply(const float* in, std::size_t in_stride, float floor, float* out, std::size_t out_stride) const;

 private:
  std::size_t n_in_, n_out_;
  AlignedVector<float> table_;  // [i][j]
};

}  // namespace genrewise
