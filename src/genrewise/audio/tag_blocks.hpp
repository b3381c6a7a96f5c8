// The tags in a file as they are stored: blocks of items. Internal to audio.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/audio/byte_source.hpp"

namespace genrewise::audio {

enum class TagKind { id3v2, vorbis, mp4, asf, info, ape, id3v1 };

/// A frame, comment, atom, chunk or attribute.
struct TagItem {
  std::string key;  ///< as stored; vorbis and ape: in upper case
  ByteView raw;     ///< all of its bytes
  ByteView value;   ///< without headers; empty if it is compressed or encrypted
  bool unsynchronised = false;
};

struct TagBlock {
  TagKind kind{};
  int version = 0;         ///< of ID3v2: 2, 3 or 4
  std::int64_t begin = 0;  ///< in the file
  std::int64_t end = 0;    ///< begin of what follows it, its padding included
  bool is_whole = true;    ///< whether the items are all that it states
  std::vector<TagItem> items = {};
  std::vector<std::pair<std::string, std::vector<std::string>>> properties = {};  ///< of ASF, by TagLib's names
  std::vector<std::byte> memory = {};                                             ///< decoded bytes
  std::unique_ptr<ByteSource> bytes = {};  ///< of `memory`, in which the items are
};

/// All known tags, in order of precedence. `source` must outlive them.
std::vector<TagBlock> find_tags(ByteSource& source);

/// Values of a field ("genre", "artist", "albumartist", "album", "title", "grouping", "mood", "comment", "track",
/// "year") in one block, as clean UTF-8, genre numbers as names.
std::vector<std::string> tag_values(const TagBlock& block, std::string_view field);
/// Of the first block that has values.
std::vector<std::string> tag_values(const std::vector<TagBlock>& blocks, std::string_view field);
/// Whether the item stores the field.
bool is_field(const TagBlock& block, const TagItem& item, std::string_view field);
/// What the format calls the field, alternatives separated by "|"; empty if it cannot store it.
std::string_view native_key(TagKind kind, int version, std::string_view field);

/// Bytes of a view, at most as many as it has.
std::string read_bytes(const ByteView& view, std::int64_t offset, std::int64_t count);

struct Chunk {
  std::string name;
  ByteView raw, data;  ///< with and without header
};
/// The boxes in a "meta" box, which QuickTime writes without a version.
ByteView meta_boxes(const Chunk& meta);
enum class ChunkLayout { riff, aiff, mp4 };
/// The chunks of a RIFF, AIFF or MP4 file or chunk, in order. `next` returns false to end. Returns whether they fill
/// the view exactly, or reading was ended.
template <class Next>
bool for_each_chunk(const ByteView& view, ChunkLayout layout, const Next& next);
bool read_chunk(const ByteView& view, std::int64_t& offset, ChunkLayout layout, Chunk& chunk);

template <class Next>
bool for_each_chunk(const ByteView& view, ChunkLayout layout, const Next& next) {
  Chunk chunk{{}, view, view};
  std::int64_t offset = 0;
  while (read_chunk(view, offset, layout, chunk))
    if (!next(chunk)) return true;
  return offset == view.size();
}

}  // namespace genrewise::audio
