// Tags built byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/storage/files.hpp"

namespace genrewise::testing {

using namespace std::string_literals;

inline std::string number(std::uint64_t value, int bytes, bool big_endian) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * (big_endian ? bytes - 1 - i : i));
  return text;
}
inline std::string syncsafe(std::uint64_t value) {
  std::string text;
  for (int shift = 21; shift >= 0; shift -= 7) text += static_cast<char>(value >> shift & 0x7f);
  return text;
}

inline std::string id3_frame(int version, const std::string& id, const std::string& body,
                             const std::string& flags = "\0\0"s) {
  if (version == 2) return id + number(body.size(), 3, true) + body;
  return id + (version == 4 ? syncsafe(body.size()) : number(body.size(), 4, true)) + flags + body;
}
inline std::string id3_tag(int version, const std::string& frames, int flags = 0, std::size_t padding = 0) {
  return "ID3"s + static_cast<char>(version) + '\0' + static_cast<char>(flags) + syncsafe(frames.size() + padding) +
         frames + std::string(padding, '\0');
}

inline std::string ape_item(const std::string& key, const std::string& value, unsigned flags = 0) {
  return number(value.size(), 4, false) + number(flags, 4, false) + key + '\0' + value;
}
inline std::string ape_tag(const std::vector<std::string>& items) {
  std::string bytes;
  for (const auto& item : items) bytes += item;
  const auto head = [&](std::uint64_t flags) {
    return "APETAGEX" + number(2000, 4, false) + number(bytes.size() + 32, 4, false) + number(items.size(), 4, false) +
           number(flags, 4, false) + std::string(8, '\0');
  };
  return head(0xa0000000) + bytes + head(0x80000000);
}

inline std::string id3v1_tag(std::string title, int genre) {
  title.resize(30);
  return "TAG" + title + std::string(94, '\0') + static_cast<char>(genre);
}

inline std::string flac_comments(const std::vector<std::string>& comments) {
  std::string bytes = number(2, 4, false) + "me" + number(comments.size(), 4, false);
  for (const auto& comment : comments) bytes += number(comment.size(), 4, false) + comment;
  return bytes;
}
/// Headers without audio.
inline std::string flac_of(const std::vector<std::string>& comments) {
  const std::string bytes = flac_comments(comments);
  return "fLaC"s + '\0' + number(34, 3, true) + std::string(34, '\0') + "\x84" + number(bytes.size(), 3, true) + bytes;
}

inline std::string mp4_box(const std::string& name, const std::string& data) {
  return number(data.size() + 8, 4, true) + name + data;
}
inline std::string mp4_text(const std::string& name, const std::vector<std::string>& values, int type = 1) {
  std::string data;
  for (const auto& value : values)
    data += mp4_box("data", number(static_cast<std::uint64_t>(type), 4, true) + "\0\0\0\0"s + value);
  return mp4_box(name, data);
}
inline std::string mp4_of(const std::string& items) {
  return mp4_box("ftyp", "M4A \0\0\0\0"s) +
         mp4_box("moov", mp4_box("udta", mp4_box("meta", "\0\0\0\0"s + mp4_box("ilst", items))));
}

inline std::string asf_object(std::string_view id, const std::string& data) {
  return std::string(id) + number(data.size() + 24, 8, false) + data;
}
inline std::string asf_of(const std::string& objects) {
  return "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"s + number(objects.size() + 30, 8, false) +
         "\1\0\0\0\1\2"s + objects;
}

/// Boxes or objects, each within the one before; `head(size)` is the begin of one with so many bytes.
template <class Head>
std::string nested(std::size_t levels, const Head& head) {
  std::string bytes;
  const std::size_t size = head(0).size();
  for (std::size_t left = levels; left > 0; --left) bytes += head(left * size);
  return bytes;
}

}  // namespace genrewise::testing
