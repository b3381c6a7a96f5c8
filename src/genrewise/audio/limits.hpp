// What a plausible track is, and how much of it may be damaged. Internal to audio.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "genrewise/base/error.hpp"

namespace genrewise::audio {

inline constexpr int kMinSampleRateHz = 1'000, kMaxSampleRateHz = 768'000;
// DSD512, which FFmpeg returns at an eighth of its bit rate.
inline constexpr int kMaxDsdRateHz = 2'822'400;
inline constexpr int kMaxResampledHz = 10'000'000;
inline constexpr int kMaxChannels = 64;
inline constexpr double kMaxDurationSeconds = 100 * 3600.0;

/// The Fault of a stream that no music has; nothing if it is plausible.
inline std::optional<Fault> implausible(int sample_rate_hz, int channels, bool is_dsd, const std::string& name) {
  const int most_hz = is_dsd ? kMaxDsdRateHz : kMaxSampleRateHz;
  if (sample_rate_hz < kMinSampleRateHz || sample_rate_hz > most_hz) {
    return Fault{"implausible sample rate", name,
                 std::to_string(sample_rate_hz) + " Hz; used are " + std::to_string(kMinSampleRateHz) + " to " +
                     std::to_string(most_hz) + " Hz"};
  }
  if (channels < 1 || channels > kMaxChannels) {
    return Fault{"implausible number of channels", name,
                 std::to_string(channels) + "; used are 1 to " + std::to_string(kMaxChannels)};
  }
  return std::nullopt;
}

/// True if more than 5 % of a clip, and more than four frames, could not be decoded. Less are remains of editing,
/// streaming or single bad packets. All in the same unit.
inline bool is_damaged(std::int64_t lost, std::int64_t used, std::int64_t frame) {
  constexpr double kMaxShare = 0.05;
  constexpr int kMaxFrames = 4;
  const auto limit = std::max(static_cast<double>(kMaxFrames * frame), kMaxShare * static_cast<double>(lost + used));
  return static_cast<double>(lost) > limit;
}

}  // namespace genrewise::audio
