// Loudness as broadcasters measure it.
#pragma once

#include <span>

namespace genrewise {

/// Levels in LUFS (= LKFS), never under kSilenceLufs; ranges in LU.
struct Loudness {
  double integrated_lufs = 0;      ///< of the whole, gated at -70 LUFS and at 10 LU under the mean
  double range_lu = 0;             ///< EBU Tech 3342: from the 10th to the 95th percentile of 3 s windows, gated
  double max_momentary_lufs = 0;   ///< of 0.4 s windows
  double max_short_term_lufs = 0;  ///< of 3 s windows; of the whole where that is shorter
  double peak_dbfs = 0;            ///< the largest sample (not the true peak between samples)
};

inline constexpr double kSilenceLufs = -70;

/// ITU-R BS.1770-4 and EBU R 128 on one channel: K-weighting, blocks of 0.4 s every 0.1 s. A mono file and the mean of
/// two equal channels measure 3.01 LU less than that signal played by two loudspeakers. A clip under 0.4 s is one
/// block. Its filters are made for any sampling rate from 4 kHz on; throws Error under it.
Loudness measure_loudness(std::span<const float> samples, int sample_rate_hz);

}  // namespace genrewise
