// The mel scale, mel filterbanks, decibels and the discrete cosine transform.
#pragma once

#include <cstddef>
#include <span>

#include "genrewise/base/aligned.hpp"

namespace genrewise {

/// Slaney's mel scale (Auditory Toolbox, 1998), like librosa.hz_to_mel(htk=False): linear up to 1 kHz, logarithmic
/// above.
double hz_to_mel(double frequency_hz);
/// The inverse of hz_to_mel().
double mel_to_hz(double mel);

enum class MelScale {
  slaney,  ///< Slaney's scale, triangles in Hz of equal area: librosa.filters.mel(norm="slaney")
  kaldi,   ///< 1127 ln(1 + f / 700), triangles in mel of height 1, nothing from the bin at half the rate: Kaldi's
           ///< get_mel_banks, as in torchaudio.compliance.kaldi
};

struct MelConfig {
  MelScale scale = MelScale::slaney;
  int sample_rate_hz = 44100;
  std::size_t n_fft = 2048;
  std::size_t n_mels = 128;
  double fmin_hz = 0;
  double fmax_hz = 0;  ///< 0: half the sample rate
};

/// Triangular filters, stored sparsely. A filter narrower than the bin spacing may contain no bin and then gives 0.
class MelFilterbank {
 public:
  /// Throws Error if fmin is not below fmax or a count is 0.
  explicit MelFilterbank(const MelConfig& config);

  /// The number of filters.
  std::size_t size() const { return filters_.size(); }

  /// Filters a tile of 1 + n_fft / 2 powers (see tile.hpp); the kTileFrames results of filter m are written to
  /// out + m * stride. All rows are aligned.
  void apply(const float* tile, float* out, std::size_t stride) const;

 private:
  struct Filter {
    std::size_t first_bin = 0, count = 0, weight = 0;  // weights_[weight .. weight + count)
  };
  std::vector<Filter> filters_;
  std::vector<float> weights_;
};

inline constexpr float kMinimumPower = 1e-10f;  ///< librosa's amin
inline constexpr float kDynamicRangeDb = 80;    ///< librosa's top_db

/// Replaces each power p by 10 log10(max(p, amin)) dB, like librosa.power_to_db(ref=1, top_db=None). The span must be
/// aligned and its size a multiple of kTileFrames.
void power_to_db(std::span<float> values);

/// The first n_out coefficients of the orthonormal DCT-II of n_in values, like scipy.fft.dct(type=2, norm="ortho").
class Dct {
 public:
  /// Throws Error unless 0 < n_out <= n_in.
  Dct(std::size_t n_in, std::size_t n_out);

  /// Transforms kTileFrames columns at once: reads value i of all columns at in + i * in_stride, raised to at least
  /// `floor` (for top_db), and writes coefficient j at out + j * out_stride. All rows are aligned.
  void apply(const float* in, std::size_t in_stride, float floor, float* out, std::size_t out_stride) const;

 private:
  std::size_t n_in_, n_out_;
  AlignedVector<float> table_;  // [i][j]
};

}  // namespace genrewise
