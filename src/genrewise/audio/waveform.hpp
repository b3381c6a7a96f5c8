// What comes out of the audio room.
#pragma once

#include <limits>
#include <optional>
#include <vector>

namespace genrewise {

/// One channel of sound, nominally in [-1, 1].
struct Waveform {
  std::vector<float> samples;
  int sample_rate_hz = 0;
};

/// Which part of a track is wanted. The default is all of it.
struct ClipRequest {
  std::optional<double> start_s = {};  ///< from the start of the track; nothing: centred in the track
  double duration_s = std::numeric_limits<double>::infinity();
  /// A track no longer than duration_s + slack_s is taken whole when no start is asked for (FMA's clips of "30 s" last
  /// 29.98 to 30.02 s and are meant whole).
  double slack_s = 0;
};

/// The clip that stands for a track unless the dataset says otherwise: the middle 30 s, or the whole of a track of up
/// to 31 s.
inline constexpr ClipRequest kDefaultClip{.start_s = std::nullopt, .duration_s = 30.0, .slack_s = 1.0};

}  // namespace genrewise
