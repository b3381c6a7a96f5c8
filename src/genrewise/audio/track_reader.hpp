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
  /// What stands in probe_file()'s answer.
  virtual AudioInfo info() = 0;
  /// The track's length as its headers state it or, where they do not, as a scan of its frames finds it. May be slow.
  virtual std::optional<std::int64_t> length() = 0;
  /// A length that the headers promise and that a whole file must reach; nothing where none is promised.
  virtual std::optional<std::int64_t> promised_length() = 0;
  /// The next read() begins at this sample; false when the track has none such.
  virtual bool seek(std::int64_t sample) = 0;
  /// Appends the mean over the channels of the next block of samples.
  virtual ReadResult read(std::vector<float>& mono) = 0;
  /// What is wrong with what was read so far; empty when it is sound.
  virtual std::string damage() const { return {}; }
};

}  // namespace genrewise::audio
