// Framing of a TFRecord: length (8 bytes, little-endian), its masked CRC-32C (4), the payload, its masked CRC-32C (4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace genrewise {

inline constexpr std::size_t kRecordHeaderBytes = 12, kRecordTrailerBytes = 4;
inline constexpr std::size_t kRecordFrameBytes = kRecordHeaderBytes + kRecordTrailerBytes;

/// The first 12 bytes of a record: the length and its masked checksum.
std::array<char, kRecordHeaderBytes> record_header(std::uint64_t payload_bytes);
/// The last 4 bytes of a record: the masked checksum of the payload.
std::array<char, kRecordTrailerBytes> record_trailer(std::string_view payload);
/// Replaces `frame`, whose memory is reused, by the record with this payload.
void make_frame(std::string_view payload, std::string& frame);

/// The payload length of a 12-byte header; nothing if its checksum is wrong.
std::optional<std::uint64_t> payload_length(std::span<const std::byte> header);
/// Whether `trailer` (the four bytes after the payload) is the checksum of a payload with the given crc32c().
bool is_sum_of(std::uint32_t crc, std::span<const std::byte> trailer);

/// Bytes as text without copying, and back.
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text));
}

}  // namespace genrewise
