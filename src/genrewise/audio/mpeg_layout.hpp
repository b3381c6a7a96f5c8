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
  std::int64_t begin = 0;        ///< offset of the first frame, possibly the information frame
  std::int64_t audio_begin = 0;  ///< offset of the first frame with audio, behind a Xing, Info or VBRI frame
  std::int64_t end = 0;          ///< end of the last frame, before trailing tags
  bool follows_tags = false;     ///< only tags (and zeros) precede the first frame
  MpegHeader first;              ///< the first frame's header
  int free_format_bytes = 0;     ///< of a frame without padding, if the headers do not state it
  /// From the information frame. They are hints: files are cut and joined without changing them.
  std::optional<std::int64_t> stated_frames, stated_bytes;
  /// From LAME's extension of the information frame, in samples.
  std::optional<int> encoder_delay, encoder_padding;

  int bytes_of(const MpegHeader& header) const {
    return header.frame_bytes != 0 ? header.frame_bytes : free_format_bytes + (header.has_padding ? 1 : 0);
  }
};

/// The header at `offset` if there is one that matches the layout's first.
std::optional<MpegHeader> mpeg_header_at(ByteSource& source, std::int64_t offset, const MpegLayout& layout);

/// True if matching frames follow each other from `offset` on, so many or up to the end of the layout.
bool is_mpeg_run(ByteSource& source, std::int64_t offset, const MpegLayout& layout, int frames);

/// True if so many frames of one other sample rate follow each other from `offset` on.
bool is_other_mpeg_run(ByteSource& source, std::int64_t offset, const MpegLayout& layout, int frames);

/// The end of an ID3v2 tag at `offset` (id3.org, ID3v2.4 3.1); `offset` if there is none or its stated length reaches
/// beyond the file.
std::int64_t end_of_id3v2(ByteSource& source, std::int64_t offset);

/// The end of all ID3v2 tags at the start.
std::int64_t end_of_leading_tags(ByteSource& source);

/// Where ID3v1 (128 bytes at the end) and an APE tag before it begin; the size of the source if there are none.
std::int64_t begin_of_trailing_tags(ByteSource& source);

/// Where to search for frames: directly after ID3v2 tags (and zeros), or also after up to 1 MiB of other bytes.
enum class MpegSearch { at_start, behind_junk };

/// Finds a run of matching frames; nothing if there is none.
std::optional<MpegLayout> find_mpeg_audio(ByteSource& source, MpegSearch search);

}  // namespace genrewise::audio
