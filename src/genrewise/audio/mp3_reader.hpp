// Reads MP3 (MPEG audio layer III) with libmpg123. Internal to audio.
#pragma once

#include <memory>

#include "genrewise/audio/mpeg_layout.hpp"
#include "genrewise/audio/track_reader.hpp"

namespace genrewise::audio {

/// Opens the layer III stream that find_mpeg_audio() found. `source` must outlive the reader.
std::unique_ptr<TrackReader> open_mp3(ByteSource& source, const MpegLayout& layout);

}  // namespace genrewise::audio
