#include "genrewise/records/framing.hpp"

#include <cstring>

#include "genrewise/records/crc32c.hpp"

namespace genrewise {

std::array<char, kRecordHeaderBytes> record_header(std::uint64_t payload_bytes) {
  std::array<char, kRecordHeaderBytes> header{};
  std::memcpy(header.data(), &payload_bytes, 8);
  const std::uint32_t sum = masked_crc32c(as_bytes({header.data(), 8}));
  std::memcpy(header.data() + 8, &sum, 4);
  return header;
}

std::array<char, kRecordTrailerBytes> record_trailer(std::string_view payload) {
  std::array<char, kRecordTrailerBytes> trailer{};
  const std::uint32_t sum = masked_crc32c(as_bytes(payload));
  std::memcpy(trailer.data(), &sum, 4);
  return trailer;
}

void make_frame(std::string_view payload, std::string& frame) {
  const auto header = record_header(payload.size());
  const auto trailer = record_trailer(payload);
  frame.assign(header.data(), header.size());
  frame += payload;
  frame.append(trailer.data(), trailer.size());
}

std::optional<std::uint64_t> payload_length(std::span<const std::byte> header) {
  std::uint64_t length = 0;
  std::uint32_t sum = 0;
  std::memcpy(&length, header.data(), 8);
  std::memcpy(&sum, header.data() + 8, 4);
  if (sum != masked_crc32c(header.first(8))) return std::nullopt;
  return length;
}

bool is_sum_of(std::uint32_t crc, std::span<const std::byte> trailer) {
  std::uint32_t sum = 0;
  std::memcpy(&sum, trailer.data(), 4);
  return sum == mask_crc32c(crc);
}

}  // namespace genrewise
