// The tags in a file as they are stored: blocks of items. Internal to audio.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/audio/byte_source.hpp"

namespace genrewise::audio {

enum class TagKind { id3v2, vorbis, mp4, asf, info, ape, id3v1, other };

/// A frame, comment, atom, chunk or attribute.
struct TagItem {
  std::string key;  ///< as stored; vorbis and ape: in upper case
  ByteView raw;     ///< all of its bytes
  ByteView value;   ///< without headers; empty if it is compressed or encrypted
  bool unsynchronised = false;
};

struct TagBlock {
  TagKind kind{};
  int version = 0;                         ///< of ID3v2: 2, 3 or 4
  std::int64_t begin = 0, end = 0;         ///< in the file, padding included
  bool is_whole = true;                    ///< whether the items are all that it states
  unsigned flags = 0;                      ///< of ID3v2's header, or the first byte of a FLAC metadata block
  std::string lead = {}, tail = {};        ///< vorbis: what is before the number of comments and behind them
  std::vector<TagItem> items = {};         ///< kind `other`: chunks of the file that are neither tags nor audio
  std::vector<std::byte> memory = {};      ///< decoded bytes
  std::unique_ptr<ByteSource> bytes = {};  ///< of `memory`, in which the items are
};

enum class Container { flac, ogg, mp4, asf, wav, aiff, dsf, ape, tta, other };

struct FileTags {
  Container container = Container::other;
  std::int64_t begin = 0;        ///< of what follows ID3v2 tags at the start
  std::vector<TagBlock> blocks;  ///< in order of precedence
};
/// `source` must outlive the result.
FileTags find_tags(ByteSource& source);

/// Different values of a field ("genre", "artist", "albumartist", "album", "title", "grouping", "mood", "comment",
/// "track", "year") in one block, as clean UTF-8, genre numbers as names.
std::vector<std::string> tag_values(const TagBlock& block, std::string_view field);
/// Of the first block that has values.
std::vector<std::string> tag_values(const FileTags& tags, std::string_view field);
/// Whether the item stores the field.
bool is_field(const TagBlock& block, const TagItem& item, std::string_view field);
/// What the format calls the field, alternatives separated by "|"; empty if it cannot store it.
std::string_view native_keys(TagKind kind, int version, std::string_view field);

/// Bytes of a view, at most as many as it has.
std::string read_bytes(const ByteView& view, std::int64_t offset, std::int64_t count);
std::uint64_t number_at(std::string_view bytes, std::size_t at, int count, bool big_endian);
inline std::uint64_t number_at(const ByteView& view, std::int64_t at, int count, bool big_endian) {
  return number_at(read_bytes(view, at, count), 0, count, big_endian);
}

enum class ChunkLayout { riff, aiff, mp4, asf };
struct Chunk {
  std::string name;    ///< of ASF: the GUID
  ByteView raw, data;  ///< with and without header
};
/// The boxes in a "meta" box, which QuickTime writes without a version.
ByteView meta_boxes(const Chunk& meta);
/// Reads a chunk and moves `offset` behind it (and its padding); false if none fits.
bool read_chunk(const ByteView& view, std::int64_t& offset, ChunkLayout layout, Chunk& chunk);
/// Calls `use` for each chunk in a view. Returns the offset behind the last.
template <class Use>
std::int64_t for_each_chunk(const ByteView& view, ChunkLayout layout, const Use& use) {
  Chunk chunk{{}, view, view};
  std::int64_t offset = 0;
  while (read_chunk(view, offset, layout, chunk)) use(chunk);
  return offset;
}

/// GUIDs of ASF objects (ASF specification 10).
namespace asf_object {
using namespace std::string_view_literals;
inline constexpr auto kFile = "\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"sv;
inline constexpr auto kDescription = "\x33\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"sv;
inline constexpr auto kExtended = "\x40\xa4\xd0\xd2\x07\xe3\xd2\x11\x97\xf0\x00\xa0\xc9\x5e\xa8\x50"sv;
inline constexpr auto kExtension = "\xb5\x03\xbf\x5f\x2e\xa9\xcf\x11\x8e\xe3\x00\xc0\x0c\x20\x53\x65"sv;
inline constexpr auto kLibrary = "\x94\x1c\x23\x44\x98\x94\xd1\x49\xa1\x41\x1d\x13\x4e\x45\x70\x54"sv;
}  // namespace asf_object
constexpr std::int64_t kAsfHeader = 30, kAsfExtension = 22;  ///< bytes before the objects in these objects

/// Where the comments begin in the second packet of an Ogg stream; npos if it has none. `first`: the first packet.
std::size_t comments_in_packet(std::string_view first, std::string_view second);
/// The header packets of the first stream, from page `begin` on to the end of the page that ends the second packet or
/// a later one; empty if they are damaged.
struct OggHeaders {
  std::vector<std::string> packets;
  std::int64_t second_page = 0, end = 0;
  std::uint64_t serial = 0, pages = 0;  ///< pages: from the second one to `end`
};
OggHeaders read_ogg_headers(const ByteView& ogg);

}  // namespace genrewise::audio
