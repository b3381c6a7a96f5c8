/// @file
/// Module audio: decodes audio files or bytes to mono waveforms (mpg123 for MP3, FFmpeg for other formats, soxr for
/// resampling).
/// @code{.cpp}
/// const auto wave = genrewise::decode_file("song.mp3", {.clip = genrewise::kDefaultClip, .sample_rate_hz = 22050});
/// if (!wave) throw genrewise::Error(wave.error().reason, wave.error().where);
/// @endcode
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
  std::optional<int> sample_rate_hz = {};  ///< nothing: the native rate of the file
};

/// Properties of a file from its headers, without decoding; frames are counted if the headers state no length.
struct AudioInfo {
  std::string format;  ///< "mp3", "flac", "ogg", ...
  std::string codec;   ///< "mp3", "flac", "vorbis", ...
  int sample_rate_hz = 0;
  int channels = 0;
  double duration_s = 0;     ///< without encoder delay and padding, if they are known
  double bit_rate_kbps = 0;  ///< average
};

/// Decodes the clip of a file to one channel, the mean of its channels. A clip that reaches beyond the end of the track
/// is shortened. If the format allows it, only the clip and one second before it are decoded; the start is then exact
/// to the sample, except in Matroska and WMA, whose time stamps are in milliseconds (error below 1 ms).
///
/// Reasons of faults: "cannot be opened", "cannot be read" (read error), "empty file", "not audio", "no audio in it",
/// "clip outside the track", "truncated", "damaged", "sample rate changes", "not finite" (NaN or infinite samples).
/// Data behind the clip is not checked, so an intact clip of a broken file is returned. "truncated": the clip is
/// incomplete, and the track is more than 0.15 s shorter than its headers state (one or two missing frames at the end
/// are accepted; a truncated file whose format states no length, such as raw AAC or MP3 without a Xing header, looks
/// like a shorter track). "damaged": the decoder failed before the clip was complete, or more than 5 % of an MP3's
/// bytes in the clip (and 4 frames) belong to no frame.
///
/// Files in object stores (s3://, gs://) are read by ranges: headers, tags and the data to decode. To seek within an
/// MP3, all frames before the target are read.
///
/// Throws Error for an invalid request (a negative start, a rate of 0) and when an object store fails; Interrupted.
Expected<Waveform> decode_file(const std::filesystem::path& location, const DecodeOptions& options = {});

/// The same for a file in memory; `name` is the location in faults.
Expected<Waveform> decode_bytes(std::span<const std::byte> bytes, const std::string& name,
                                const DecodeOptions& options = {});

/// Returns the properties of a file. Reads only a small part of it if its headers state the length (not so for raw AAC
/// and MP3 without a Xing header). Faults and exceptions as for decode_file().
Expected<AudioInfo> probe_file(const std::filesystem::path& location);
Expected<AudioInfo> probe_bytes(std::span<const std::byte> bytes, const std::string& name);

/// True for names with the extension of an audio format (.mp3, .flac, .ogg, ...), upper or lower case.
bool looks_like_audio(const std::filesystem::path& path);

}  // namespace genrewise
