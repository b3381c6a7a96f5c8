// Numbers and magic words in file headers. Internal to audio.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace genrewise::audio {

inline std::uint64_t big_endian(const std::byte* bytes, int count = 4) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return value;
}

inline std::uint64_t little_endian(const std::byte* bytes, int count = 4) {
  std::uint64_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return value;
}

inline bool begins_with(const std::byte* bytes, std::string_view word) {
  return std::memcmp(bytes, word.data(), word.size()) == 0;
}

}  // namespace genrewise::audio
