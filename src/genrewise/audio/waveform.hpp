// Decoded audio, clip requests, and what is done with samples after decoding.
#pragma once

#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise {

/// Mono audio, nominally in [-1, 1].
struct Waveform {
  std::vector<float> samples;
  int sample_rate_hz = 0;
};

/// Selects the clip of a track; by default all of it. Times are in seconds.
struct ClipRequest {
  std::optional<double> start_s = {};  ///< from the start of the track; nothing: centred in the track
  double duration_s = std::numeric_limits<double>::infinity();
  /// A track of at most duration_s + slack_s is used whole if no start is given (FMA's "30 s" clips last 29.98 to 30.02
  /// s).
  double slack_s = 0;
};

/// The default clip of a track: the middle 30 s, or all of a track of up to 31 s.
inline constexpr ClipRequest kDefaultClip{.start_s = std::nullopt, .duration_s = 30.0, .slack_s = 1.0};

/// Faults: "too short" for a clip of less than 0.25 s (the shortest excerpts whose genre listeners were tested on:
/// Gjerdingen and Perrott, Scanning the Dial, 2008), and "silent" for one whose samples all lie within 0.0002 of full
/// scale (three steps of 16 bits to either side of any constant), apart from 25 ms at both ends, where a resampler
/// rings. Their `where` is empty.
Expected<void> check_clip(const Waveform& clip);

/// Resamples a whole signal with soxr's HQ quality (librosa's default, "soxr_hq") to ceil(n * to_hz / from_hz) samples.
/// Equal rates give a copy. Throws Error for rates outside 1 .. 10,000,000 Hz, and
/// Interrupted.
std::vector<float> resample(std::span<const float> samples, int from_hz, int to_hz);

}  // namespace genrewise
