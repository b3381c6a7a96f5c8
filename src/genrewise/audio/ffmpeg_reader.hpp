// Reads every format except MP3 with FFmpeg. Internal to audio.
#pragma once

#include <memory>
#include <string>

#include "genrewise/audio/byte_source.hpp"
#include "genrewise/audio/track_reader.hpp"

namespace genrewise::audio {

/// Opens the best audio stream and decodes its first frame. Faults: "not audio", "no audio in it", "truncated",
/// "damaged", "implausible sample rate", "implausible number of channels". The view's source must outlive the reader.
Expected<std::unique_ptr<TrackReader>> open_ffmpeg(const ByteView& view, const std::string& name);

}  // namespace genrewise::audio
