#include "genrewise/audio/container_end.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <vector>

#include "genrewise/audio/byte_order.hpp"

namespace genrewise::audio {
namespace {

using Head = std::array<std::byte, 16>;

std::optional<Head> read_head(const ByteView& source, std::int64_t offset) {
  Head head{};
  if (source.read_at(offset, head) < 8) return std::nullopt;
  return head;
}

// Nothing for what programs write that cannot seek back (0 or all ones), and for sizes that no file has.
std::optional<std::int64_t> plausible(std::uint64_t size) {
  return size == 0 || size > (std::uint64_t{1} << 60) ? std::nullopt : std::optional(static_cast<std::int64_t>(size));
}

// The end of the chunk of samples. Programs that cannot seek back to write its size leave a huge one or 0.
std::optional<std::int64_t> wav_size(const ByteView& source) {
  constexpr std::uint64_t kUnknownSize = 0x7f000000;
  std::int64_t offset = 12;
  while (const auto head = read_head(source, offset)) {
    const std::uint64_t bytes = little_endian(head->data() + 4);
    const std::int64_t end = offset + 8 + static_cast<std::int64_t>(bytes);
    if (begins_with(head->data(), "data"))
      return bytes == 0 || bytes >= kUnknownSize ? std::nullopt : std::optional(end);
    offset = end + (end & 1);
  }
  return std::nullopt;
}

// The end of the last of the RIFF chunks that an AVI consists of: one, or several of about 1 GiB (OpenDML).
std::optional<std::int64_t> avi_size(const ByteView& source) {
  std::int64_t end = 0;
  for (auto head = read_head(source, 0); head && begins_with(head->data(), "RIFF"); head = read_head(source, end)) {
    const std::uint64_t bytes = little_endian(head->data() + 4);
    if (bytes == 0) return std::nullopt;  // not known when it was written
    end += 8 + static_cast<std::int64_t>(bytes + (bytes & 1));
  }
  return end;
}

// Sony Wave64: the size of the file follows the GUID of its "riff" chunk.
std::optional<std::int64_t> w64_size(const ByteView& source) {
  std::array<std::byte, 8> bytes{};
  if (source.read_at(16, bytes) < bytes.size()) return std::nullopt;
  return plausible(little_endian(bytes.data(), 8));
}

// The end of the samples or, if it comes later, of the table of their packets (Core Audio Format). A size of -1 extends
// to the end of the file.
std::optional<std::int64_t> caf_size(const ByteView& source) {
  std::int64_t offset = 8, last = 0;
  while (const auto head = read_head(source, offset)) {
    const std::uint64_t bytes = big_endian(head->data() + 4, 8);
    if (bytes > (std::uint64_t{1} << 60)) break;
    offset += 12 + static_cast<std::int64_t>(bytes);
    if (begins_with(head->data(), "data") || begins_with(head->data(), "pakt")) last = offset;
  }
  return last == 0 ? std::nullopt : std::optional(last);
}

// Where the last top-level box with audio or its index ends (ISO/IEC 14496-12, 4.2). Behind the boxes may be junk.
std::optional<std::int64_t> mp4_size(const ByteView& source) {
  constexpr std::string_view kNeeded[] = {"mdat", "moof", "moov"};
  std::int64_t offset = 0, last = 0;
  while (const auto head = read_head(source, offset)) {
    const std::uint64_t short_size = big_endian(head->data());
    const std::uint64_t size = short_size == 1 ? big_endian(head->data() + 8, 8) : short_size;
    if (size < 8 || size > (std::uint64_t{1} << 60)) break;  // 0: extends to the end of the file
    offset += static_cast<std::int64_t>(size);
    const auto is_box = [&](std::string_view kind) { return begins_with(head->data() + 4, kind); };
    if (std::ranges::any_of(kNeeded, is_box)) last = offset;
  }
  return last;
}

// The file properties object is near the start of every ASF file (ASF specification 3.2).
std::optional<std::int64_t> asf_size(const ByteView& source) {
  static constexpr unsigned char kFileProperties[16] = {0xa1, 0xdc, 0xab, 0x8c, 0x47, 0xa9, 0xcf, 0x11,
                                                        0x8e, 0xe4, 0x00, 0xc0, 0x0c, 0x20, 0x53, 0x65};
  std::vector<std::byte> bytes(1 << 16);
  bytes.resize(source.read_at(0, bytes));
  const auto pattern = std::as_bytes(std::span(kFileProperties));
  const auto found = std::search(bytes.begin(), bytes.end(), pattern.begin(), pattern.end());
  if (bytes.end() - found < 48) return std::nullopt;
  return plausible(little_endian(&*found + 40, 8));
}

// An EBML number (RFC 8794, 4): the leading zero bits of its first byte are the number of bytes that follow. A size of
// all ones is unknown.
struct EbmlSize {
  int length = 0;  // of the number, in bytes
  std::uint64_t value = 0;
  bool unknown = false;
};

EbmlSize ebml_size(const std::byte* bytes) {
  const int length = std::countl_zero(std::to_integer<unsigned char>(*bytes)) + 1;
  if (length > 8) return {};
  const std::uint64_t mask = (std::uint64_t{1} << 7 * length) - 1;
  const std::uint64_t value = big_endian(bytes, length) & mask;
  return {length, value, value == mask};
}

// The EBML header is followed by one Segment, which contains the rest of the file (RFC 9559, 5.1).
std::optional<std::int64_t> matroska_size(const ByteView& source) {
  constexpr std::uint64_t kSegment = 0x18538067;
  const auto head = read_head(source, 0);
  const EbmlSize header = head ? ebml_size(head->data() + 4) : EbmlSize{};
  if (header.length == 0 || header.value > (1 << 16)) return std::nullopt;
  const std::int64_t segment_at = 4 + header.length + static_cast<std::int64_t>(header.value);
  const auto segment = read_head(source, segment_at);
  if (!segment || big_endian(segment->data()) != kSegment) return std::nullopt;
  const EbmlSize size = ebml_size(segment->data() + 4);
  if (size.length == 0 || size.unknown) return std::nullopt;
  return segment_at + 4 + size.length + static_cast<std::int64_t>(size.value);
}

}  // namespace

std::optional<std::int64_t> stated_size(const ByteView& source) {
  const auto head = read_head(source, 0);
  if (!head) return std::nullopt;
  const std::byte* bytes = head->data();
  if (begins_with(bytes, "RIFF") && begins_with(bytes + 8, "WAVE")) return wav_size(source);
  if (begins_with(bytes, "RIFF") && begins_with(bytes + 8, "AVI ")) return avi_size(source);
  if (begins_with(bytes, "riff\x2e\x91\xcf\x11")) return w64_size(source);
  if (begins_with(bytes, "caff")) return caf_size(source);
  if (begins_with(bytes, "FORM")) return static_cast<std::int64_t>(big_endian(bytes + 4)) + 8;
  if (begins_with(bytes + 4, "ftyp")) return mp4_size(source);
  if (begins_with(bytes, "\x1a\x45\xdf\xa3")) return matroska_size(source);
  if (begins_with(bytes, "\x30\x26\xb2\x75\x8e\x66\xcf\x11")) return asf_size(source);
  return std::nullopt;
}

}  // namespace genrewise::audio
