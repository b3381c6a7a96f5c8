// MP3 (MPEG audio layer III) through libmpg123. Internal to the audio room.
#pragma once

#include <memory>

#include "genrewise/audio/mpeg_layout.hpp"
#include "genrewise/audio/track_reader.hpp"

namespace genrewise::audio {

/// A reader of what find_mpeg_audio() found; null when mpg123 cannot make sense of it. `source` must outlive it.
std::unique_ptr<TrackReader> open_mp3(ByteSource& source, const MpegLayout& layout);

}  // namespace genrewise::audio
