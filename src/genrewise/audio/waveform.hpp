// Decoded audio and clip requests.
#pragma once

#include <limits>
#include <optional>
#include <vector>

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

}  // namespace genrewise
