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
#include <string_view>

#include "genrewise/audio/waveform.hpp"
#include "genrewise/base/error.hpp"

namespace genrewise {

struct DecodeOptions {
  ClipRequest clip = {};
  std::optional<int> sample_rate_hz = {};  ///< nothing: the native rate of the file
};

/// Properties of a file, without decoding. The length is counted if the headers do not state that of the audio stream:
/// in frames (MP3, whose headers are only hints) or packets.
struct AudioInfo {
  std::string format;  ///< "mp3", "flac", "ogg", ...
  std::string codec;   ///< "mp3", "flac", "vorbis", ...
  int sample_rate_hz = 0;
  int channels = 0;
  double duration_s = 0;     ///< without encoder delay and padding, if they are known
  double bit_rate_kbps = 0;  ///< average
};

/// Decodes the clip of a file to one channel, the mean of its channels. A clip that reaches beyond the end of the track
/// is shortened. If positions after a seek are known (MP3, MP4, Matroska, Ogg, ASF, FLAC, WavPack, TTA, Monkey's Audio,
/// PCM), only the clip and one second before it are decoded; other formats are decoded from the start. The clip is
/// exact to the sample, except in Matroska and WMA, whose time stamps are in milliseconds (error below 1 ms). The
/// length of a track of a centred clip is measured by decoding if the headers do not state it or turn out to be wrong.
///
/// Reasons of faults: "cannot be opened", "cannot be read" (read error), "empty file", "not audio", "no audio in it",
/// "clip outside the track", "truncated", "damaged", "sample rate changes", "not finite" (NaN or infinite samples),
/// "implausible sample rate" (below 1 kHz or above 768 kHz; DSD: 2.8224 MHz), "implausible number of channels" (more
/// than 64), "implausible duration" (more than 100 hours). Sample rate and channels are checked before anything is
/// decoded. Data behind the clip is not checked, so an intact clip of a broken file is returned. "truncated": the clip
/// is incomplete, and the track is more than 0.15 s shorter than its headers state (one or two missing frames at the
/// end are accepted; a truncated file whose format states no length, such as raw AAC or MP3 without a Xing header,
/// looks like a shorter track). "damaged": more than 5 % of the clip cannot be decoded: of its samples where packets
/// have time stamps (and more than 8,192 samples, and not one packet or Ogg page of at most 1.1 s), elsewhere of its
/// bytes (and more than 4 frames). A smaller loss is left out. Other bytes behind all frames that an MP3 states are no
/// damage.
///
/// Memory, besides the clip at the sample rate of the file: 1.5 MiB of windows into the file, and what FFmpeg allocates
/// for headers and one frame, in blocks of at most 512 MiB. An interrupt ends decoding within one block of 256 KiB.
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

/// Extensions of files with audio, in lower case with their dot: the formats that the decoder opens.
std::span<const std::string_view> audio_extensions();

/// True for names with one of these extensions, in upper or lower case.
bool looks_like_audio(const std::filesystem::path& path);

}  // namespace genrewise
