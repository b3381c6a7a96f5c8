// Where the MPEG audio lies in a file, and what its first frame says of the rest. Internal to the audio room.
#pragma once

#include <cstdint>
#include <optional>

#include "genrewise/audio/byte_source.hpp"

namespace genrewise::audio {

/// The four bytes that begin each frame of MPEG-1, -2 and -2.5 audio (ISO/IEC 11172-3, 13818-3).
struct MpegHeader {
  int version = 1;  ///< 1, 2 or 3 (for 2.5)
  int layer = 3;
  int sample_rate_hz = 0;
  int channels = 2;
  int bit_rate_kbps = 0;  ///< 0: free format
  int frame_bytes = 0;    ///< 0: free format
  int samples_per_frame = 1152;
  bool has_padding = false;

  /// True for what may follow in one stream: same version, layer and rate.
  bool goes_with(const MpegHeader& other) const;
};

/// Nothing when these are not the first bytes of a frame.
std::optional<MpegHeader> parse_mpeg_header(const std::byte* four_bytes);

struct MpegLayout {
  std::int64_t begin = 0;       ///< the first frame (it may be the Xing frame)
  std::int64_t end = 0;         ///< one past the last frame: tags that follow are not part of it
  bool begins_at_once = false;  ///< nothing but tags lies before the first frame
  MpegHeader first;             ///< the first frame's header
  bool has_xing = false;        ///< a Xing/Info frame (read by the decoder) that states the number of frames
  std::optional<std::int64_t> promised_frames, promised_bytes;  ///< by Xing, Info or VBRI
};

/// Where frames are looked for: right behind ID3v2 tags (and zeros), or behind up to a megabyte of junk as well.
enum class MpegSearch { at_start, behind_junk };

/// Finds a run of frames that fit one another; nothing when there is none.
std::optional<MpegLayout> find_mpeg_audio(ByteSource& source, MpegSearch search);

}  // namespace genrewise::audio
