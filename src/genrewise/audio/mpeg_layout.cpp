#include "genrewise/audio/mpeg_layout.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "genrewise/audio/byte_order.hpp"
#include "genrewise/base/interrupt.hpp"

namespace genrewise::audio {
namespace {

constexpr std::int64_t kMaxJunkBytes = 1 << 20;
constexpr int kSearchBytes = 1 << 14;
constexpr int kMaxFreeFormatBytes = 8192;
constexpr int kMinFrameBytes = 24;

using Bytes4 = std::array<std::byte, 4>;

int bit_rate_of(int version, int layer, int index) {
  static constexpr int kTable[5][15] = {
      {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},  // MPEG-1 layer I
      {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},     // MPEG-1 layer II
      {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},      // MPEG-1 layer III
      {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},     // MPEG-2 layer I
      {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}};         // MPEG-2 layers II and III
  const int row = version == 1 ? layer - 1 : (layer == 1 ? 3 : 4);
  return kTable[row][index];
}

std::optional<MpegHeader> any_header_at(ByteSource& source, std::int64_t offset) {
  Bytes4 bytes;
  if (source.read_at(offset, bytes) < bytes.size()) return std::nullopt;
  return parse_mpeg_header(bytes.data());
}

// Free format states no frame length: it is the distance to the next header, and must match once more. Returns the
// length without padding, or 0.
int free_format_bytes(ByteSource& source, std::int64_t offset, const MpegHeader& first) {
  std::vector<std::byte> bytes(kMaxFreeFormatBytes);
  bytes.resize(source.read_at(offset, bytes));
  MpegLayout layout;
  layout.first = first;
  for (std::size_t distance = 24; distance + 4 <= bytes.size(); ++distance) {
    const auto second = parse_mpeg_header(&bytes[distance]);
    if (!second || second->frame_bytes != 0 || !second->matches(first)) continue;
    layout.free_format_bytes = static_cast<int>(distance) - (first.has_padding ? 1 : 0);
    const std::int64_t third = offset + static_cast<std::int64_t>(distance) + layout.bytes_of(*second);
    if (mpeg_header_at(source, third, layout)) return layout.free_format_bytes;
  }
  return 0;
}

// LAME's extension behind the fields of a Xing frame: encoder delay and padding, 12 bits each.
void read_lame_extension(const std::byte* extension, MpegLayout& layout) {
  if (*extension == std::byte{0}) return;
  const std::uint64_t both = big_endian(extension + 21, 3);
  layout.encoder_delay = static_cast<int>(both >> 12);
  layout.encoder_padding = static_cast<int>(both & 0xfff);
}

// Xing/Info (behind the side information) and VBRI (32 bytes behind the header): number of frames and of bytes.
void read_information_frame(ByteSource& source, MpegLayout& layout) {
  std::array<std::byte, 200> bytes{};
  source.read_at(layout.begin, bytes);
  layout.audio_begin = layout.begin;
  if (layout.first.layer != 3) return;
  const bool mono = layout.first.channels == 1;
  const std::size_t side_bytes = layout.first.version == 1 ? (mono ? 17 : 32) : (mono ? 9 : 17);
  const std::byte* xing = &bytes[4 + side_bytes];
  const std::byte* vbri = &bytes[36];
  if (begins_with(xing, "Xing") || begins_with(xing, "Info")) {
    constexpr int kTableBytes = 100, kExtensionBytes = 24;
    const std::uint64_t flags = big_endian(xing + 4);
    const std::byte* field = xing + 8;
    if (flags & 1) layout.stated_frames = static_cast<std::int64_t>(big_endian(std::exchange(field, field + 4)));
    if (flags & 2) layout.stated_bytes = static_cast<std::int64_t>(big_endian(std::exchange(field, field + 4)));
    field += (flags & 4 ? kTableBytes : 0) + (flags & 8 ? 4 : 0);
    if (field + kExtensionBytes <= &bytes[0] + layout.bytes_of(layout.first)) read_lame_extension(field, layout);
  } else if (begins_with(vbri, "VBRI")) {
    layout.stated_bytes = static_cast<std::int64_t>(big_endian(vbri + 10));
    layout.stated_frames = static_cast<std::int64_t>(big_endian(vbri + 14));
  } else {
    return;
  }
  layout.audio_begin = std::min(layout.end, layout.begin + layout.bytes_of(layout.first));
}

// Sets the layout's first frame if a run of frames begins at `offset`: three frames, or two directly after tags.
bool frames_begin_at(ByteSource& source, std::int64_t offset, MpegLayout& layout) {
  const auto header = any_header_at(source, offset);
  if (!header) return false;
  layout.first = *header;
  layout.begin = offset;
  layout.free_format_bytes = header->frame_bytes == 0 ? free_format_bytes(source, offset, *header) : 0;
  if (layout.bytes_of(*header) < kMinFrameBytes) return false;
  if (header->frame_bytes != 0 && !is_mpeg_run(source, offset, layout, layout.follows_tags ? 2 : 3)) return false;
  read_information_frame(source, layout);
  return true;
}

// The next byte that may begin a frame; clears `after_tags` when it skips more than zeros (padding that a tag does not
// count).
const std::byte* next_sync(std::span<const std::byte> bytes, bool& after_tags) {
  if (after_tags) {
    const auto first = std::ranges::find_if(bytes, [](std::byte value) { return value != std::byte{0}; });
    if (first == bytes.end()) return nullptr;
    bytes = bytes.subspan(static_cast<std::size_t>(first - bytes.begin()));
    after_tags = bytes.front() == std::byte{0xff};
  }
  return static_cast<const std::byte*>(std::memchr(bytes.data(), 0xff, bytes.size()));
}

}  // namespace

std::int64_t begin_of_trailing_tags(ByteSource& source) {
  std::int64_t end = source.size();
  std::array<std::byte, 32> bytes;
  if (end >= 128 && source.read_at(end - 128, std::span(bytes).first(3)) == 3 && begins_with(bytes.data(), "TAG"))
    end -= 128;
  if (end >= 32 && source.read_at(end - 32, bytes) == 32 && begins_with(bytes.data(), "APETAGEX")) {
    const bool has_header = (little_endian(&bytes[20]) & 0x80000000u) != 0;
    const std::int64_t length = static_cast<std::int64_t>(little_endian(&bytes[12])) + (has_header ? 32 : 0);
    if (length < end) end -= length;
  }
  return end;
}

bool MpegHeader::matches(const MpegHeader& other) const {
  return version == other.version && layer == other.layer && sample_rate_hz == other.sample_rate_hz;
}

std::optional<MpegHeader> parse_mpeg_header(const std::byte* four_bytes) {
  const std::uint64_t word = big_endian(four_bytes);
  const std::uint64_t version_bits = word >> 19 & 3, layer_bits = word >> 17 & 3;
  const std::uint64_t bit_rate_index = word >> 12 & 15, rate_index = word >> 10 & 3;
  if (word >> 21 != 0x7ff || version_bits == 1 || layer_bits == 0 || bit_rate_index == 15 || rate_index == 3) {
    return std::nullopt;
  }
  static constexpr int kRates[3] = {44100, 48000, 32000};
  MpegHeader header;
  header.version = version_bits == 3 ? 1 : (version_bits == 2 ? 2 : 3);
  header.layer = 4 - static_cast<int>(layer_bits);
  header.sample_rate_hz = kRates[rate_index] >> (header.version - 1);
  header.channels = (word >> 6 & 3) == 3 ? 1 : 2;
  header.has_padding = (word >> 9 & 1) != 0;
  header.bit_rate_kbps = bit_rate_of(header.version, header.layer, static_cast<int>(bit_rate_index));
  header.samples_per_frame = header.layer == 1 ? 384 : (header.layer == 3 && header.version != 1 ? 576 : 1152);
  const int slot_bytes = header.layer == 1 ? 4 : 1;
  const int slots = header.samples_per_frame / 8 / slot_bytes * 1000 * header.bit_rate_kbps / header.sample_rate_hz;
  header.frame_bytes = slots == 0 ? 0 : (slots + (header.has_padding ? 1 : 0)) * slot_bytes;
  return header;
}

std::optional<MpegHeader> mpeg_header_at(ByteSource& source, std::int64_t offset, const MpegLayout& layout) {
  const auto header = any_header_at(source, offset);
  if (!header || !header->matches(layout.first) || (header->frame_bytes == 0) != (layout.first.frame_bytes == 0)) {
    return std::nullopt;
  }
  return header;
}

bool is_mpeg_run(ByteSource& source, std::int64_t offset, const MpegLayout& layout, int frames) {
  for (int i = 0; i < frames; ++i) {
    const auto header = mpeg_header_at(source, offset, layout);
    if (!header) return false;
    offset += layout.bytes_of(*header);
    if (offset == layout.end) return true;
  }
  return true;
}

bool is_other_mpeg_run(ByteSource& source, std::int64_t offset, const MpegLayout& layout, int frames) {
  const auto first = any_header_at(source, offset);
  if (!first || first->sample_rate_hz == layout.first.sample_rate_hz || first->frame_bytes == 0) return false;
  MpegLayout other;
  other.first = *first;
  other.end = layout.end;
  return is_mpeg_run(source, offset, other, frames);
}

std::int64_t end_of_id3v2(ByteSource& source, std::int64_t offset) {
  std::array<std::byte, 10> head;
  if (source.read_at(offset, head) < head.size() || !begins_with(head.data(), "ID3")) return offset;
  std::int64_t length = 0;
  for (int i = 6; i < 10; ++i) length = length << 7 | (std::to_integer<int>(head[i]) & 0x7f);
  const bool has_footer = (head[5] & std::byte{0x10}) != std::byte{0};
  const std::int64_t end = offset + 10 + length + (has_footer ? 10 : 0);
  return end < source.size() ? end : offset;
}

std::int64_t end_of_leading_tags(ByteSource& source) {
  std::int64_t offset = 0;
  for (std::int64_t end = end_of_id3v2(source, 0); end != offset; end = end_of_id3v2(source, offset)) offset = end;
  return offset;
}

std::optional<MpegLayout> find_mpeg_audio(ByteSource& source, MpegSearch search) {
  MpegLayout layout;
  const std::int64_t tags_end = end_of_leading_tags(source);
  layout.end = begin_of_trailing_tags(source);
  const std::int64_t search_end = std::min(layout.end, tags_end + kMaxJunkBytes);
  std::vector<std::byte> bytes(kSearchBytes);
  layout.follows_tags = true;
  for (std::int64_t offset = tags_end; offset < search_end; offset += kSearchBytes) {
    throw_if_interrupted();
    const std::span chunk(bytes.data(), source.read_at(offset, bytes));
    for (auto byte = chunk.begin(); byte != chunk.end(); ++byte) {
      const std::byte* sync =
          next_sync(chunk.subspan(static_cast<std::size_t>(byte - chunk.begin())), layout.follows_tags);
      if (!layout.follows_tags && search == MpegSearch::at_start) return std::nullopt;
      if (sync == nullptr) break;
      if (frames_begin_at(source, offset + (sync - chunk.data()), layout)) return layout;
      layout.follows_tags = false;
      byte = chunk.begin() + (sync - chunk.data());
    }
  }
  return std::nullopt;
}

}  // namespace genrewise::audio
