#include "genrewise/audio/mpeg_layout.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <vector>

#include "genrewise/audio/byte_order.hpp"

namespace genrewise::audio {
namespace {

constexpr std::int64_t kMaxJunkBytes = 1 << 20;
constexpr int kSearchBytes = 1 << 14;
constexpr int kMaxFreeFormatBytes = 8192;

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

// The header at `offset`, if there is one that matches `first`.
std::optional<MpegHeader> header_at(ByteSource& source, std::int64_t offset, const MpegHeader& first) {
  Bytes4 bytes;
  if (source.read_at(offset, bytes) < bytes.size()) return std::nullopt;
  const auto header = parse_mpeg_header(bytes.data());
  if (!header || !header->matches(first) || (header->frame_bytes == 0) != (first.frame_bytes == 0)) {
    return std::nullopt;
  }
  return header;
}

// Free format states no frame length: it is the distance to the next header, and must match once more.
bool free_format_run(ByteSource& source, std::int64_t offset, const MpegHeader& first) {
  std::vector<std::byte> bytes(kMaxFreeFormatBytes);
  bytes.resize(source.read_at(offset, bytes));
  for (std::size_t distance = 24; distance + 4 <= bytes.size(); ++distance) {
    const auto second = parse_mpeg_header(&bytes[distance]);
    if (!second || second->frame_bytes != 0 || !second->matches(first)) continue;
    const auto plain = static_cast<std::int64_t>(distance) - (first.has_padding ? 1 : 0);
    const std::int64_t third = offset + static_cast<std::int64_t>(distance) + plain + (second->has_padding ? 1 : 0);
    if (header_at(source, third, first)) return true;
  }
  return false;
}

// A run is three headers, each at the end of the frame before; two are enough directly after tags, and one if its frame
// ends at the end of the data.
bool run_begins_at(ByteSource& source, std::int64_t offset, std::int64_t end, const MpegHeader& first,
                   bool after_tags) {
  if (first.frame_bytes == 0) return free_format_run(source, offset, first);
  int frames = 0;
  for (std::optional<MpegHeader> header = first; header; header = header_at(source, offset, first)) {
    ++frames;
    offset += header->frame_bytes;
    if (frames >= (after_tags ? 2 : 3) || offset == end) return true;
  }
  return false;
}

// ID3v2 tags at the start, one after the other (id3.org, ID3v2.4 3.1); a tag with a stated length beyond the end of the
// file is not skipped.
std::int64_t end_of_leading_tags(ByteSource& source) {
  std::int64_t offset = 0;
  std::array<std::byte, 10> head;
  while (source.read_at(offset, head) == head.size() && begins_with(head.data(), "ID3")) {
    std::int64_t length = 0;
    for (int i = 6; i < 10; ++i) length = length << 7 | (std::to_integer<int>(head[i]) & 0x7f);
    const bool has_footer = (head[5] & std::byte{0x10}) != std::byte{0};
    const std::int64_t next = offset + 10 + length + (has_footer ? 10 : 0);
    if (next >= source.size()) break;
    offset = next;
  }
  return offset;
}

// Skips ID3v1 (128 bytes at the end) and APE tags before it.
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

// Xing/Info (behind the side information) and VBRI (32 bytes behind the header): number of frames and of bytes.
void read_stated_sizes(ByteSource& source, MpegLayout& layout) {
  std::array<std::byte, 64> bytes{};
  source.read_at(layout.begin, bytes);
  if (layout.first.layer != 3) return;
  const bool mono = layout.first.channels == 1;
  const std::size_t side_bytes = layout.first.version == 1 ? (mono ? 17 : 32) : (mono ? 9 : 17);
  const std::byte* xing = &bytes[4 + side_bytes];
  const std::byte* vbri = &bytes[36];
  if (begins_with(xing, "Xing") || begins_with(xing, "Info")) {
    const std::uint64_t flags = big_endian(xing + 4);
    const std::byte* field = xing + 8;
    if (flags & 1) {
      layout.stated_frames = static_cast<std::int64_t>(big_endian(field));
      layout.has_xing = true;
      field += 4;
    }
    if (flags & 2) layout.stated_bytes = static_cast<std::int64_t>(big_endian(field));
  } else if (begins_with(vbri, "VBRI")) {
    layout.stated_bytes = static_cast<std::int64_t>(big_endian(vbri + 10));
    layout.stated_frames = static_cast<std::int64_t>(big_endian(vbri + 14));
    if (layout.begin + layout.first.frame_bytes < layout.end)
      layout.begin += layout.first.frame_bytes;  // contains no audio
  }
}

// Sets the layout's first frame if a run of frames begins at `offset`.
bool frames_begin_at(ByteSource& source, std::int64_t offset, MpegLayout& layout) {
  Bytes4 bytes;
  if (source.read_at(offset, bytes) < bytes.size()) return false;
  const auto header = parse_mpeg_header(bytes.data());
  if (!header || !run_begins_at(source, offset, layout.end, *header, layout.follows_tags)) return false;
  layout.begin = offset;
  layout.first = *header;
  read_stated_sizes(source, layout);
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

std::optional<MpegLayout> find_mpeg_audio(ByteSource& source, MpegSearch search) {
  MpegLayout layout;
  const std::int64_t tags_end = end_of_leading_tags(source);
  layout.end = begin_of_trailing_tags(source);
  const std::int64_t search_end = std::min(layout.end, tags_end + kMaxJunkBytes);
  std::vector<std::byte> bytes(kSearchBytes);
  layout.follows_tags = true;
  for (std::int64_t offset = tags_end; offset < search_end; offset += kSearchBytes) {
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
