// What both decoders (mpg123, FFmpeg) look like to decode.cpp. Internal to the audio room.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/audio/byte_source.hpp"
#include "genrewise/audio/decode.hpp"

namespace genrewise::audio {

enum class ReadResult { samples, end, rate_change, damaged };

/// One open track, positioned at its first sample. Positions and lengths count samples of one channel at the track's
/// own rate, after encoder delay.
class TrackReader {
 public:
  virtual ~TrackReader() = default;

  virtual int sample_rate_hz() const = 0;
  /// AudioInfo::format, at no cost.
  virtual std::string format() const = 0;
  /// The result of probe_file().
  virtual AudioInfo info() = 0;
  /// The length that the headers state, at no cost; it may be wrong.
  virtual std::optional<std::int64_t> stated_length() const = 0;
  /// The best that can be known without decoding; where the headers say nothing, the frames are counted.
  virtual std::optional<std::int64_t> length() = 0;
  /// The length that the track had before its file was cut, for files that tell; otherwise at most its length now.
  virtual std::optional<std::int64_t> promised_length() = 0;
  /// The next read() begins at this sample; false when the track has none such.
  virtual bool seek(std::int64_t sample) = 0;
  /// Appends the mean over the channels of the next block of samples.
  virtual ReadResult read(std::vector<float>& mono) = 0;
  /// What is wrong with what was read so far; empty when it is sound.
  virtual std::string damage() const { return {}; }
};

}  // namespace genrewise::audio
