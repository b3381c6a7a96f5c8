// Audio files and bytes -> waveforms (mpg123 for MP3, FFmpeg for all else, soxr for other rates).
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "genrewise/audio/waveform.hpp"
#include "genrewise/base/error.hpp"

namespace genrewise {

struct DecodeOptions {
  ClipRequest clip = {};
  std::optional<int> sample_rate_hz = {};  ///< nothing: the file's own rate
};

/// What a file says of itself, without decoding it; frames are counted where its headers say nothing.
struct AudioInfo {
  std::string format;  ///< "mp3", "flac", "ogg", ...
  std::string codec;   ///< "mp3", "flac", "vorbis", ...
  int sample_rate_hz = 0;
  int channels = 0;
  double duration_s = 0;     ///< after encoder delay and padding where they are known
  double bit_rate_kbps = 0;  ///< the average
};

/// The clip of a file as one channel, the mean of its channels. A clip that reaches beyond the end of the track is as
/// short as the track makes it. Only the clip and a second before it are decoded where the format allows that; in
/// Matroska and WMA, which note times in milliseconds, it then begins within one millisecond of what was asked, and
/// elsewhere at the very sample.
///
/// Faults, counted by these reasons: "cannot be opened", "cannot be read" (the disk fails), "empty file", "not audio",
/// "no audio in it", "clip outside the track", "truncated", "damaged", "sample rate changes", "not finite" (NaN or
/// infinite samples). What lies behind the asked clip is not looked at, so a clip out of a broken file is given when
/// all of it is good. "truncated": the clip is not full, and the track is more than 0.15 s shorter than its headers
/// promise (a missing last frame or two is no fault; formats that promise nothing, such as raw AAC and MP3 without a
/// Xing header, cannot be told from shorter tracks). "damaged": a decoder gave up before the clip was full, or more
/// than 5 % of an MP3's bytes in the clip (and 4 frames) are no frames.
///
/// A file in an object store (s3://, gs://) is read by ranges: its headers and tags, and what must be decoded. To find
/// a place within an MP3 all frames before it are read.
///
/// Throws Error for a request that makes no sense (a negative start, a rate of 0), where an object store fails, and
/// Interrupted.
Expected<Waveform> decode_file(const std::filesystem::path& location, const DecodeOptions& options = {});

/// The same for a file that lies in memory; `name` stands in faults.
Expected<Waveform> decode_bytes(std::span<const std::byte> bytes, const std::string& name,
                                const DecodeOptions& options = {});

/// Reads a small part of the file, unless its headers do not state its length (raw AAC, MP3 without a Xing header).
/// Faults and exceptions as for decode_file().
Expected<AudioInfo> probe_file(const std::filesystem::path& location);
Expected<AudioInfo> probe_bytes(std::span<const std::byte> bytes, const std::string& name);

/// True for names that end like audio files do (.mp3, .flac, .ogg, ...), in any case; for finding music in folders.
bool looks_like_audio(const std::filesystem::path& path);

}  // namespace genrewise
