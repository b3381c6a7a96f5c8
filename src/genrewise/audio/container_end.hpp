// Was a file cut? What containers say of their own size, which FFmpeg quietly corrects. Internal to the audio room.
#pragma once

#include <cstdint>
#include <optional>

#include "genrewise/audio/byte_source.hpp"

namespace genrewise::audio {

/// The size that a WAV, AIFF, MP4 or ASF file says it has; nothing for other formats and where it is left open (a WAV
/// written to a pipe).
std::optional<std::int64_t> stated_size(ByteSource& source);

/// Ogg (RFC 3533): the granule position of the last page, when that page is not all there.
std::optional<std::int64_t> granule_of_cut_page(ByteSource& source);

}  // namespace genrewise::audio
