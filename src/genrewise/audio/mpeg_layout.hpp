// Finds MPEG audio frames in a file and parses their headers. Internal to audio.
#pragma once

#include <cstdint>
#include <optional>

#include "genrewise/audio/byte_source.hpp"

namespace genrewise::audio {

/// The four-byte header of each frame of MPEG-1, -2 and -2.5 audio (ISO/IEC 11172-3, 13818-3).
struct MpegHeader {
  int version = 1;  ///< 1, 2 or 3 (for 2.5)
  int layer = 3;
  int sample_rate_hz = 0;
  int channels = 2;
  int bit_rate_kbps = 0;  ///< 0: free format
  int frame_bytes = 0;    ///< 0: free format
  int samples_per_frame = 1152;
  bool has_padding = false;

  /// True if both may be in one stream: same version, layer and rate.
  bool matches(const MpegHeader& other) const;
};

/// Parses a frame header; nothing if the bytes are not one.
std::optional<MpegHeader> parse_mpeg_header(const std::byte* four_bytes);

struct MpegLayout {
  std::int64_t begin = 0;     ///< offset of the first frame (possibly the Xing frame)
  std::int64_t end = 0;       ///< end of the last frame, before trailing tags
  bool follows_tags = false;  ///< only tags (and zeros) precede the first frame
  MpegHeader first;           ///< the first frame's header
  bool has_xing = false;      ///< has a Xing/Info frame (read by the decoder) with the number of frames
  std::optional<std::int64_t> stated_frames, stated_bytes;  ///< from Xing, Info or VBRI
};

/// Where to search for frames: directly after ID3v2 tags (and zeros), or also after up to 1 MiB of other bytes.
enum class MpegSearch { at_start, behind_junk };

/// Finds a run of matching frames; nothing if there is none.
std::optional<MpegLayout> find_mpeg_audio(ByteSource& source, MpegSearch search);

}  // namespace genrewise::audio
