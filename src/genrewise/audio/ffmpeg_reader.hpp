// Everything that FFmpeg's libraries read. Internal to the audio room.
#pragma once

#include <memory>
#include <string>

#include "genrewise/audio/track_reader.hpp"

namespace genrewise::audio {

/// A reader of the best audio stream. Faults: "not audio" (no format known to FFmpeg), "no audio in it", "damaged".
/// `source` must outlive the reader. No other file is ever opened, whatever the bytes ask for.
Expected<std::unique_ptr<TrackReader>> open_ffmpeg(ByteSource& source, const std::string& name);

}  // namespace genrewise::audio
