// Loudness by the broadcasting standards ITU-R BS.1770 and EBU R 128.
#pragma once

#include <span>

namespace genrewise {

/// Levels in LUFS (= LKFS), at least kSilenceLufs; ranges in LU.
struct Loudness {
  double integrated_lufs = 0;      ///< whole signal, gated at -70 LUFS and at 10 LU below the mean
  double range_lu = 0;             ///< EBU Tech 3342: 10th to 95th percentile of gated 3 s windows
  double max_momentary_lufs = 0;   ///< maximum over 0.4 s windows
  double max_short_term_lufs = 0;  ///< maximum over 3 s windows; shorter signals: the whole
  double peak_dbfs = 0;            ///< the largest sample (not the true peak between samples)
};

inline constexpr double kSilenceLufs = -70;

/// ITU-R BS.1770-4 and EBU R 128 for one channel: K-weighting, blocks of 0.4 s every 0.1 s. A mono signal (also the
/// mean of two equal channels) measures 3.01 LU less than the same signal in two channels. A clip shorter than 0.4 s is
/// one block. Throws Error for sampling rates below 4 kHz.
Loudness measure_loudness(std::span<const float> samples, int sample_rate_hz);

}  // namespace genrewise
