// Reads all formats that FFmpeg supports. Internal to audio.
#pragma once

#include <memory>
#include <string>

#include "genrewise/audio/track_reader.hpp"

namespace genrewise::audio {

/// Opens the best audio stream. Faults: "not audio" (no format known to FFmpeg), "no audio in it", "damaged",
/// "truncated". `source` must outlive the reader. Never opens other files, even if the bytes refer to some (playlists).
Expected<std::unique_ptr<TrackReader>> open_ffmpeg(ByteSource& source, const std::string& name);

}  // namespace genrewise::audio
