// WAV files made byte by byte, valid and invalid ones.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise::testing {

template <class T>
void append_raw(std::string& bytes, T value) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  bytes.append(raw, sizeof value);
}

/// A RIFF/WAVE file of interleaved samples: floats are stored as IEEE float, integers as PCM of their width.
template <class T>
std::string wav_of(std::span<const T> interleaved, int channels, int sample_rate_hz) {
  const auto data_bytes = static_cast<std::uint32_t>(interleaved.size_bytes());
  const auto block_bytes = static_cast<std::uint16_t>(sizeof(T) * static_cast<unsigned>(channels));
  std::string bytes = "RIFF";
  append_raw(bytes, 36 + data_bytes);
  bytes += "WAVEfmt ";
  append_raw(bytes, std::uint32_t{16});
  append_raw(bytes, static_cast<std::uint16_t>(std::is_floating_point_v<T> ? 3 : 1));
  append_raw(bytes, static_cast<std::uint16_t>(channels));
  append_raw(bytes, static_cast<std::uint32_t>(sample_rate_hz));
  append_raw(bytes, static_cast<std::uint32_t>(sample_rate_hz) * block_bytes);
  append_raw(bytes, block_bytes);
  append_raw(bytes, static_cast<std::uint16_t>(8 * sizeof(T)));
  bytes += "data";
  append_raw(bytes, data_bytes);
  for (const T sample : interleaved) append_raw(bytes, sample);
  return bytes;
}

template <class T>
std::string wav_of(const std::vector<T>& interleaved, int channels, int sample_rate_hz) {
  return wav_of(std::span<const T>(interleaved), channels, sample_rate_hz);
}

}  // namespace genrewise::testing
