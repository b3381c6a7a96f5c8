// Takes MP3 files apart and changes their headers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

namespace genrewise::testing {

inline std::string id3v2(std::size_t content_bytes, std::size_t stated_bytes) {
  std::string tag = "ID3";
  tag += std::string("\x04\x00\x00", 3);
  for (int shift = 21; shift >= 0; shift -= 7) tag += static_cast<char>(stated_bytes >> shift & 0x7f);
  std::string picture = std::string("APIC") + std::string(6, '\0');
  while (picture.size() < content_bytes)
    picture += "\xff\xd8\xff\xe0 a picture's bytes \xff\xfb\x90\x64";  // false syncs
  return tag + picture.substr(0, content_bytes);
}

inline std::string id3v2(std::size_t content_bytes) {
  return id3v2(content_bytes, content_bytes);
}

inline std::string junk(std::size_t count, std::uint32_t state = 1) {
  std::string bytes;
  while (bytes.size() < count) {
    state = state * 1664525u + 1013904223u;
    bytes += static_cast<char>(state >> 24);
  }
  return bytes;
}

/// Where the first frame begins in our golden files (behind a small ID3v2 tag).
inline std::size_t first_frame(const std::string& mp3) {
  return mp3.starts_with("ID3") ? 10 + static_cast<std::size_t>(mp3[9]) : 0;
}

inline void write_big_endian(std::string& bytes, std::size_t at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) bytes[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> (24 - 8 * i) & 0xff);
}

inline std::uint32_t read_big_endian(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// Where "Xing" or "Info" is.
inline std::size_t information_at(const std::string& mp3) {
  return std::min(mp3.find("Info"), mp3.find("Xing"));
}

}  // namespace genrewise::testing
