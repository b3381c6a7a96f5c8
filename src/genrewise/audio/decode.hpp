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

/// What a file says of itself, without decoding it.
struct AudioInfo {
  std::string format;  ///< "mp3", "flac", "ogg", ...
  std::string codec;   ///< "mp3", "flac", "vorbis", ...
  int sample_rate_hz = 0;
  int channels = 0;
  double duration_s = 0;  ///< after encoder delay and padding where they are known
  double bit_rate_kbps = 0;
};

/// The clip of a file as one channel (the mean of its channels). Faults, counted by these reasons: "cannot be opened",
/// "empty file", "not audio", "no audio in it", "clip outside the track", "truncated" (a decode error before the asked
/// window is full), "damaged", "sample rate changes", "not finite" (NaN or infinite samples).
Expected<Waveform> decode_file(const std::filesystem::path& path, const DecodeOptions& options = {});

/// The same for a file that lies in memory; `name` stands in faults and helps to guess the format.
Expected<Waveform> decode_bytes(std::span<const std::byte> bytes, const std::string& name,
                                const DecodeOptions& options = {});

Expected<AudioInfo> probe_file(const std::filesystem::path& path);
Expected<AudioInfo> probe_bytes(std::span<const std::byte> bytes, const std::string& name);

/// True for names that end like audio files do (.mp3, .flac, .ogg, ...), in any case; for finding music in folders.
bool looks_like_audio(const std::filesystem::path& path);

}  // namespace genrewise
