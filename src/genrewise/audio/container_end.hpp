// Sizes stated in container headers, to detect truncated files; FFmpeg silently corrects them. Internal to audio.
#pragma once

#include <cstdint>
#include <optional>

#include "genrewise/audio/byte_source.hpp"

namespace genrewise::audio {

/// The file size in bytes that the headers of a WAV, Wave64, AIFF, CAF, AVI, MP4, Matroska or ASF file state; nothing
/// for other formats or an unknown size (a WAV written to a pipe).
std::optional<std::int64_t> stated_size(const ByteView& source);

}  // namespace genrewise::audio
