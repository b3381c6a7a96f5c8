// SHA-256 of the audio of a file without its tags. Internal to audio.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "genrewise/audio/byte_source.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"

namespace genrewise::audio {

class AudioHasher {
 public:
  explicit AudioHasher(std::uint64_t max_bytes) : left_(max_bytes) {}

  void describe(std::string_view codec, int sample_rate_hz, int channels) {
    hasher_.update(std::string(codec) + " " + std::to_string(sample_rate_hz) + " " + std::to_string(channels) + "\n");
  }
  /// False when the limit has been reached.
  bool add(std::span<const std::byte> bytes) {
    const std::size_t count = std::min<std::uint64_t>(left_, bytes.size());
    hasher_.update({reinterpret_cast<const char*>(bytes.data()), count});
    left_ -= count;
    has_audio_ = has_audio_ || count > 0;
    return left_ > 0;
  }
  Expected<std::string> result(const std::string& name) {
    if (!has_audio_) return tl::unexpected(Fault{"no audio in it", name, "no packets"});
    return hasher_.hex();
  }

 private:
  Hasher hasher_{HashKind::sha256};
  std::uint64_t left_;
  bool has_audio_ = false;
};

/// Adds a stream that is not MPEG audio: its packets (FFmpeg), or its decoded samples (libsndfile, which does not give
/// access to packets). False when the limit has been reached. Faults: those of open_other().
Expected<bool> add_other(const ByteView& view, const std::string& name, AudioHasher& hasher);

}  // namespace genrewise::audio
