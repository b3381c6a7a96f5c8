// Pages of Ogg (RFC 3533, 6). Internal to audio.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "genrewise/audio/byte_source.hpp"

namespace genrewise::audio {

struct OggPage {
  std::int64_t data = 0, end = 0;       ///< offsets: behind its header, and of the next page
  std::vector<unsigned char> segments;  ///< sizes; one below 255 ends a packet
  std::uint64_t serial = 0, number = 0;
  std::int64_t granule = 0;
  bool begins_stream = false;
};

std::optional<OggPage> ogg_page_at(const ByteView& view, std::int64_t offset);

}  // namespace genrewise::audio
