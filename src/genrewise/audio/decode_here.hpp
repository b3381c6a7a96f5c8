// Decoding in this process. Internal to audio.
#pragma once

#include <span>
#include <string>

#include "genrewise/audio/byte_source.hpp"
#include "genrewise/audio/decode.hpp"

namespace genrewise::audio {

/// As decode_file() and probe_file(), of an open source, whatever isolation is set.
Expected<Waveform> decode_here(ByteSource& source, const std::string& name, const DecodeOptions& options);
Expected<AudioInfo> probe_here(ByteSource& source, const std::string& name);

bool all_finite(std::span<const float> samples);

}  // namespace genrewise::audio
