#include "genrewise/audio/tag_blocks.hpp"

#include <asffile.h>
#include <asftag.h>
#include <oggfile.h>
#include <tpropertymap.h>

#include <algorithm>
#include <array>
#include <span>

#include "genrewise/audio/byte_order.hpp"
#include "genrewise/audio/mpeg_layout.hpp"
#include "genrewise/audio/tag_stream.hpp"
#include "genrewise/audio/tag_text.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/text.hpp"

namespace genrewise::audio {
namespace {

constexpr std::int64_t kMaxValueBytes = 1 << 16;    // of a text; more is cut anyway
constexpr std::int64_t kMaxDecodedBytes = 1 << 28;  // of a tag that has to be in memory

std::uint64_t number(std::string_view bytes, std::size_t at, int count, bool big) {
  if (at + static_cast<std::size_t>(count) > bytes.size()) return 0;
  const auto* from = reinterpret_cast<const std::byte*>(bytes.data()) + at;
  return big ? big_endian(from, count) : little_endian(from, count);
}

std::uint64_t syncsafe(std::uint64_t value) {
  return (value >> 24 & 0x7f) << 21 | (value >> 16 & 0x7f) << 14 | (value >> 8 & 0x7f) << 7 | (value & 0x7f);
}

std::string upper_case(std::string text) {
  for (char& letter : text)
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  return text;
}

/// Undoes unsynchronisation: a zero after 0xff is left out (ID3v2.4, 6.1).
std::string synchronised(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] != 0 || i == 0 || bytes[i - 1] != '\xff') out += bytes[i];
  return out;
}

ByteView hold(TagBlock& block, std::string_view bytes) {
  block.memory.assign(std::as_bytes(std::span(bytes)).begin(), std::as_bytes(std::span(bytes)).end());
  block.bytes = std::make_unique<ByteSource>(std::span<const std::byte>(block.memory));
  return {*block.bytes, 0, block.bytes->size()};
}

bool is_frame_id(std::string_view id) {
  return std::ranges::all_of(id, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

/// id3.org: id3v2-00 (version 2.2), id3v2.3.0, id3v2.4.0-structure.
class Id3v2Reader {
 public:
  Id3v2Reader(const ByteView& tag, TagBlock& block) : block_(block), body_(tag.part(0, 0)) {
    const std::string head = read_bytes(tag, 0, 10);
    block.version = static_cast<unsigned char>(head[3]);
    flags_ = static_cast<unsigned char>(head[5]);
    const std::int64_t size = static_cast<std::int64_t>(syncsafe(number(head, 6, 4, true)));
    block.is_whole = 10 + size <= tag.size() && block.version >= 2 && block.version <= 4 &&
                     (block.version > 2 || (flags_ & 0x40) == 0);
    body_ = tag.part(10, std::clamp<std::int64_t>(tag.size() - 10, 0, size));
    if (block.version < 4 && (flags_ & 0x80) != 0)
      body_ = hold(block, synchronised(read_bytes(body_, 0, kMaxDecodedBytes)));
    head_bytes_ = block.version == 2 ? 6 : 10;
    tag_bytes_ = std::min(tag.size(), 10 + size + (block.version == 4 && (flags_ & 0x10) != 0 ? 10 : 0));  // footer
  }

  std::int64_t tag_bytes() const { return tag_bytes_; }

  void read() {
    if (block_.version < 2 || block_.version > 4 || (block_.version == 2 && (flags_ & 0x40) != 0)) return;
    std::int64_t at = 0;
    if (block_.version > 2 && (flags_ & 0x40) != 0) {  // the extended header
      const std::uint64_t size = number(read_bytes(body_, 0, 4), 0, 4, true);
      at = static_cast<std::int64_t>(block_.version == 3 ? size + 4 : syncsafe(size));
    }
    while (at + head_bytes_ < body_.size()) {
      const std::string head = read_bytes(body_, at, head_bytes_);
      std::string id = head.substr(0, block_.version == 2 ? 3 : 4);
      if (id[0] == 0) return;                                                       // padding
      while (id.size() > 3 && (id.back() == 0 || id.back() == ' ')) id.pop_back();  // iTunes: ids of version 2.2 in 2.3
      const std::int64_t size = size_of_frame(head, at);
      block_.is_whole = block_.is_whole && is_frame_id(id) && size <= body_.size() - at - head_bytes_;
      if (!is_frame_id(id) || size > body_.size() - at - head_bytes_) return;
      add(std::move(id), head, body_.part(at, head_bytes_ + size));
      at += head_bytes_ + size;
    }
  }

 private:
  std::int64_t size_of_frame(std::string_view head, std::int64_t at) const {
    if (block_.version == 2) return static_cast<std::int64_t>(number(head, 3, 3, true));
    const std::uint64_t plain = number(head, 4, 4, true), safe = syncsafe(plain);
    // Old versions of iTunes write plain sizes into version 2.4.
    const bool is_plain = block_.version == 3 || (plain & 0x80808080) != 0 ||
                          (plain > 127 && !may_end(at + 10, safe) && may_end(at + 10, plain));
    return static_cast<std::int64_t>(is_plain ? plain : safe);
  }

  bool may_end(std::int64_t at, std::uint64_t size) const {
    const std::int64_t end = at + static_cast<std::int64_t>(size);
    const std::string next = read_bytes(body_, end, 4);
    return end == body_.size() || (!next.empty() && (next[0] == 0 || (next.size() == 4 && is_frame_id(next))));
  }

  void add(std::string id, std::string_view head, const ByteView& raw) {
    const unsigned flags = block_.version > 2 ? static_cast<unsigned char>(head[9]) : 0;
    const bool is_new = block_.version == 4;
    const bool is_coded = (flags & (is_new ? 0x0c : 0xc0)) != 0;
    const int extra = is_new ? ((flags & 0x40) != 0) + ((flags & 1) != 0 ? 4 : 0) : (flags & 0x20) != 0;
    const std::int64_t from = std::min(raw.size(), head_bytes_ + std::int64_t{extra});
    block_.items.push_back({std::move(id), raw, raw.part(from, is_coded ? 0 : raw.size() - from),
                            is_new && ((flags & 2) != 0 || (flags_ & 0x80) != 0)});
  }

  TagBlock& block_;
  ByteView body_;
  unsigned flags_ = 0;
  std::int64_t head_bytes_ = 10, tag_bytes_ = 0;
};

/// If there is one at the begin of the view, in which its begin and end are then given.
void add_id3v2(std::vector<TagBlock>& blocks, const ByteView& view) {
  if (read_bytes(view, 0, 3) != "ID3" || view.size() < 10) return;
  TagBlock block{.kind = TagKind::id3v2};
  Id3v2Reader reader(view, block);
  reader.read();
  block.end = reader.tag_bytes();
  blocks.push_back(std::move(block));
}

/// Ogg Vorbis I specification, 5; `comments` begins with the length of the vendor string.
void read_comments(TagBlock& block, const ByteView& comments) {
  const auto length_at = [&](std::int64_t at) {
    return static_cast<std::int64_t>(number(read_bytes(comments, at, 4), 0, 4, false));
  };
  std::int64_t at = 4 + length_at(0);
  const std::int64_t count = length_at(at);
  at += 4;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t size = length_at(at);
    block.is_whole = at + 4 + size <= comments.size();
    if (!block.is_whole) break;
    const ByteView raw = comments.part(at, 4 + size);
    const std::string name = read_bytes(raw, 4, 64);
    const std::size_t equals = name.find('=');
    const auto value = equals == name.npos ? raw.size() : static_cast<std::int64_t>(equals) + 5;
    block.items.push_back({upper_case(name.substr(0, equals)), raw, raw.part(value, raw.size() - value)});
    at += 4 + size;
  }
}

/// RFC 9639, 8. `flac` begins with "fLaC".
void add_flac(std::vector<TagBlock>& blocks, const ByteView& flac) {
  constexpr unsigned kComments = 4, kLast = 0x80;
  for (std::int64_t at = 4;;) {
    const std::string head = read_bytes(flac, at, 4);
    if (head.size() < 4) return;
    const unsigned type = static_cast<unsigned char>(head[0]);
    const auto size = static_cast<std::int64_t>(number(head, 1, 3, true));
    if ((type & ~kLast) == kComments) {
      TagBlock block{.kind = TagKind::vorbis, .begin = at};
      read_comments(block, flac.part(at + 4, std::clamp<std::int64_t>(flac.size() - at - 4, 0, size)));
      blocks.push_back(std::move(block));
      return;
    }
    if ((type & kLast) != 0) return;
    at += 4 + size;
  }
}

void add_ogg(std::vector<TagBlock>& blocks, ByteSource& source, std::int64_t begin) {
  SourceStream stream(ByteView(source, begin, source.size() - begin));
  OggPackets packets(&stream);
  const TagLib::ByteVector first = packets.packet(0), second = packets.packet(1);
  const std::string_view bytes(second.data(), second.size());
  const std::size_t skipped = comments_in_packet({first.data(), first.size()}, bytes);
  if (skipped == bytes.npos) return;
  TagBlock block{.kind = TagKind::vorbis};
  const ByteView held = hold(block, bytes.substr(skipped));
  read_comments(block, held);
  blocks.push_back(std::move(block));
}

/// Apple, QuickTime File Format, "Metadata".
void add_mp4(std::vector<TagBlock>& blocks, const ByteView& file) {
  for_each_chunk(file, ChunkLayout::mp4, [&](const Chunk& top) {
    if (top.name != "moov") return true;
    for_each_chunk(top.data, ChunkLayout::mp4, [&](const Chunk& user) {
      if (user.name != "udta") return true;
      for_each_chunk(user.data, ChunkLayout::mp4, [&](const Chunk& meta) {
        if (meta.name != "meta") return true;
        for_each_chunk(meta_boxes(meta), ChunkLayout::mp4, [&](const Chunk& list) {
          if (list.name != "ilst") return true;
          TagBlock block{.kind = TagKind::mp4};
          block.is_whole = for_each_chunk(list.data, ChunkLayout::mp4, [&](const Chunk& item) {
            std::string key = item.name;
            if (key == "----") {
              for_each_chunk(item.data, ChunkLayout::mp4, [&](const Chunk& part) {
                if (part.name == "mean" || part.name == "name") key += ":" + read_bytes(part.data, 4, 256);
                return part.name != "data";
              });
            }
            block.items.push_back({std::move(key), item.raw, item.data});
            return true;
          });
          blocks.push_back(std::move(block));
          return false;
        });
        return false;
      });
      return true;
    });
    return false;
  });
}

void add_asf(std::vector<TagBlock>& blocks, const ByteView& file) {
  SourceStream stream(file);
  TagLib::ASF::File asf(&stream, false);
  if (!asf.isValid()) return;
  TagBlock block{.kind = TagKind::asf};
  for (const auto& [name, values] : asf.tag()->properties()) {
    auto& texts = block.properties.emplace_back(name.to8Bit(true), std::vector<std::string>()).second;
    for (const auto& value : values) texts.push_back(clean_text(value.to8Bit(true)));
  }
  blocks.push_back(std::move(block));
}

void add_riff(std::vector<TagBlock>& blocks, const ByteView& file, ChunkLayout layout) {
  std::vector<TagBlock> info;
  for_each_chunk(file.part(12, file.size() - 12), layout, [&](const Chunk& chunk) {
    if (lower_case(chunk.name) == "id3 ") {
      add_id3v2(blocks, chunk.data);
    } else if (chunk.name == "LIST" && read_bytes(chunk.data, 0, 4) == "INFO") {
      TagBlock block{.kind = TagKind::info};
      block.is_whole = for_each_chunk(chunk.data.part(4, chunk.data.size() - 4), layout, [&](const Chunk& item) {
        block.items.push_back({item.name, item.raw, item.data});
        return true;
      });
      info.push_back(std::move(block));
    }
    return true;
  });
  std::ranges::move(info, std::back_inserter(blocks));
}

void add_trailing(std::vector<TagBlock>& blocks, ByteSource& source) {
  const ByteView all(source, 0, source.size());
  const bool has_id3v1 = read_bytes(all, all.size() - 128, 3) == "TAG";
  const std::int64_t ape_end = all.size() - (has_id3v1 ? 128 : 0), ape_begin = begin_of_trailing_tags(source);
  if (ape_begin < ape_end) {
    TagBlock block{.kind = TagKind::ape, .begin = ape_begin, .end = ape_end};
    const std::string foot = read_bytes(all, ape_end - 32, 32);
    std::int64_t at = ape_end - static_cast<std::int64_t>(number(foot, 12, 4, false));
    block.is_whole = at >= ape_begin;
    for (std::uint64_t left = number(foot, 16, 4, false); left > 0 && block.is_whole && at < ape_end - 32; --left) {
      const std::string head = read_bytes(all, at, 8 + 256);
      const std::size_t key_end = head.find('\0', std::min<std::size_t>(8, head.size()));
      const auto size = static_cast<std::int64_t>(number(head, 0, 4, false));
      block.is_whole = key_end != head.npos && size <= ape_end - 32 - at - static_cast<std::int64_t>(key_end) - 1;
      if (!block.is_whole) break;
      const ByteView raw = all.part(at, static_cast<std::int64_t>(key_end) + 1 + size);
      const bool is_text = (number(head, 4, 4, false) & 6) == 0;
      block.items.push_back(
          {upper_case(head.substr(8, key_end - 8)), raw, raw.part(raw.size() - size, is_text ? size : 0)});
      at += raw.size();
    }
    blocks.push_back(std::move(block));
  }
  if (!has_id3v1) return;
  const ByteView tag = all.part(ape_end, 128);
  TagBlock block{.kind = TagKind::id3v1, .begin = ape_end, .end = all.size()};
  const auto add = [&](const char* key, std::int64_t from, std::int64_t size) {
    block.items.push_back({key, tag.part(from, size), tag.part(from, size)});
  };
  add("TITLE", 3, 30), add("ARTIST", 33, 30), add("ALBUM", 63, 30), add("YEAR", 93, 4), add("COMMENT", 97, 28);
  add("TRACK", 125, 2), add("GENRE", 127, 1);
  blocks.push_back(std::move(block));
}

struct FieldKeys {
  std::string_view field, id3v2, id3v22, vorbis, mp4, asf, info, ape;
};
constexpr FieldKeys kFields[] = {
    {"genre", "TCON", "TCO", "GENRE", "\251gen|gnre", "GENRE", "IGNR", "GENRE"},
    {"artist", "TPE1", "TP1", "ARTIST", "\251ART", "ARTIST", "IART", "ARTIST"},
    {"albumartist", "TPE2", "TP2", "ALBUMARTIST|ALBUM ARTIST", "aART", "ALBUMARTIST", "",
     "ALBUM ARTIST|ALBUMARTIST|ALBUM_ARTIST"},
    {"album", "TALB", "TAL", "ALBUM", "\251alb", "ALBUM", "IPRD", "ALBUM"},
    {"title", "TIT2", "TT2", "TITLE", "\251nam", "TITLE", "INAM", "TITLE"},
    {"grouping", "TIT1|GRP1", "TT1", "GROUPING|CONTENTGROUP", "\251grp", "GROUPING", "", "GROUPING"},
    {"mood", "TMOO", "", "MOOD", "----:com.apple.iTunes:MOOD", "MOOD", "", "MOOD"},
    {"comment", "COMM", "COM", "COMMENT|DESCRIPTION", "\251cmt", "COMMENT", "ICMT", "COMMENT"},
    {"track", "TRCK", "TRK", "TRACKNUMBER", "trkn", "TRACKNUMBER", "ITRK|IPRT", "TRACK"},
    {"year", "TDRC|TYER", "TYE", "DATE|YEAR", "\251day", "DATE", "ICRD", "YEAR|DATE"}};

bool is_one_of(std::string_view keys, std::string_view key) {
  return !key.empty() && std::ranges::count(split_text(keys, '|'), key) > 0;
}

/// Encoding byte, then text; id3v2.4.0-structure, 4. A comment has a language and a description.
std::vector<std::string> id3_texts(const TagItem& item) {
  std::string bytes = read_bytes(item.value, 0, kMaxValueBytes);
  if (item.unsynchronised) bytes = synchronised(bytes);
  if (bytes.empty()) return {};
  std::string_view text = bytes;
  const char encoding = text[0];
  const bool is_wide = encoding == 1 || encoding == 2;
  text.remove_prefix(1);
  if (item.key.starts_with("COM")) {
    text.remove_prefix(std::min<std::size_t>(3, text.size()));
    std::size_t end = text.find('\0');
    if (is_wide)
      for (end = 0; end + 1 < text.size() && (text[end] != 0 || text[end + 1] != 0);) end += 2;
    const std::string_view description = text.substr(0, end);
    if (end >= text.size() || description.find_first_not_of("\xff\xfe") != text.npos) return {};  // another's comment
    text.remove_prefix(end + (is_wide ? 2 : 1));
  }
  return is_wide ? clean_utf16(text, encoding == 2) : clean_texts(text);
}

std::vector<std::string> texts_of(const TagBlock& block, const TagItem& item) {
  if (block.kind == TagKind::id3v2) return id3_texts(item);
  std::vector<std::string> texts;
  if (block.kind == TagKind::mp4) {
    for_each_chunk(item.value, ChunkLayout::mp4, [&](const Chunk& data) {
      if (data.name != "data") return true;
      const std::string bytes = read_bytes(data.data, 8, kMaxValueBytes);
      const auto value = static_cast<std::int64_t>(number(bytes, item.key == "trkn" ? 2 : 0, 2, true));
      if (item.key == "gnre" || item.key == "trkn")
        texts.push_back(std::to_string(item.key == "gnre" ? value - 1 : value));
      else
        std::ranges::move(clean_texts(bytes), std::back_inserter(texts));
      return true;
    });
    return texts;
  }
  const std::string bytes = read_bytes(item.value, 0, kMaxValueBytes);
  if (block.kind == TagKind::id3v1) {
    const bool is_track = item.key == "TRACK" && bytes.size() == 2 && bytes[0] == 0;
    if (is_track || item.key == "GENRE") return {std::to_string(static_cast<unsigned char>(bytes.back()))};
    return item.key == "TRACK" ? texts : std::vector{clean_text(bytes.substr(0, bytes.find('\0')))};
  }
  return clean_texts(bytes);
}

}  // namespace

std::string read_bytes(const ByteView& view, std::int64_t offset, std::int64_t count) {
  if (offset < 0 || offset > view.size()) return {};
  std::string bytes(static_cast<std::size_t>(std::min(count, view.size() - offset)), '\0');
  bytes.resize(view.read_at(offset, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

bool read_chunk(const ByteView& view, std::int64_t& offset, ChunkLayout layout, Chunk& chunk) {
  throw_if_interrupted();
  const bool is_mp4 = layout == ChunkLayout::mp4;
  const std::string head = read_bytes(view, offset, 16);
  if (head.size() < 8) return false;
  std::uint64_t size = number(head, is_mp4 ? 0 : 4, 4, layout != ChunkLayout::riff) + (is_mp4 ? 0 : 8);
  const auto left = static_cast<std::uint64_t>(view.size() - offset);
  std::int64_t head_bytes = 8;
  if (is_mp4 && size == 1) size = number(head, 8, 8, true), head_bytes = 16;
  if (is_mp4 && size == 0) size = left;
  if (size < static_cast<std::uint64_t>(head_bytes) || size > left) return false;
  chunk.name = head.substr(is_mp4 ? 4 : 0, 4);
  chunk.raw = view.part(offset, static_cast<std::int64_t>(size));
  chunk.data = chunk.raw.part(head_bytes, chunk.raw.size() - head_bytes);
  offset = std::min(view.size(), offset + chunk.raw.size() + (is_mp4 ? 0 : chunk.raw.size() & 1));
  return true;
}

ByteView meta_boxes(const Chunk& meta) {
  const std::int64_t skipped = read_bytes(meta.data, 4, 4) == "hdlr" ? 0 : std::min<std::int64_t>(4, meta.data.size());
  return meta.data.part(skipped, meta.data.size() - skipped);
}

std::vector<TagBlock> find_tags(ByteSource& source) {
  std::vector<TagBlock> blocks;
  const ByteView all(source, 0, source.size());
  const std::int64_t begin = end_of_leading_tags(source);
  const ByteView audio = all.part(begin, all.size() - begin);
  const std::string head = read_bytes(audio, 0, 32);
  const std::string_view start = head;
  const auto is_form = [&](std::string_view id, std::string_view form) {
    return start.starts_with(id) && start.substr(8).starts_with(form);
  };
  if (start.starts_with("fLaC")) {
    add_flac(blocks, audio);
  } else if (start.starts_with("OggS")) {
    add_ogg(blocks, source, begin);
  } else if (is_one_of("ftyp|moov|mdat|wide|free|skip", head.size() < 8 ? "" : start.substr(4, 4))) {
    add_mp4(blocks, audio);
  } else if (start.starts_with("\x30\x26\xb2\x75\x8e\x66\xcf\x11")) {
    add_asf(blocks, audio);
  } else if (head.size() > 12 && (is_form("RIFF", "WAVE") || is_form("RF64", "WAVE"))) {
    add_riff(blocks, audio, ChunkLayout::riff);
  } else if (head.size() > 12 && (is_form("FORM", "AIFF") || is_form("FORM", "AIFC"))) {
    add_riff(blocks, audio, ChunkLayout::aiff);
  } else if (start.starts_with("DSD ")) {  // DSF File Format Specification, "DSD chunk"
    const auto at = static_cast<std::int64_t>(number(head, 20, 8, false));
    if (at > 0 && at < audio.size()) add_id3v2(blocks, audio.part(at, audio.size() - at));
  }
  add_id3v2(blocks, all);
  add_trailing(blocks, source);
  return blocks;
}

std::string_view native_key(TagKind kind, int version, std::string_view field) {
  const auto* found = std::ranges::find(kFields, field, &FieldKeys::field);
  if (found == std::end(kFields)) return {};
  switch (kind) {
    case TagKind::id3v2:
      return version == 2 ? found->id3v22 : found->id3v2;
    case TagKind::vorbis:
      return found->vorbis;
    case TagKind::mp4:
      return found->mp4;
    case TagKind::asf:
      return found->asf;
    case TagKind::info:
      return found->info;
    default:
      return found->ape;
  }
}

bool is_field(const TagBlock& block, const TagItem& item, std::string_view field) {
  return is_one_of(native_key(block.kind, item.key.size() == 3 ? 2 : block.version, field), item.key);
}

std::vector<std::string> tag_values(const TagBlock& block, std::string_view field) {
  std::vector<std::string> texts;
  for (const auto& [name, values] : block.properties)
    if (name == native_key(block.kind, 0, field)) texts = values;
  for (const TagItem& item : block.items)
    if (is_field(block, item, field)) std::ranges::move(texts_of(block, item), std::back_inserter(texts));
  if (field != "genre") return texts;
  std::vector<std::string> genres;
  for (const std::string& text : texts) std::ranges::move(genres_of(text), std::back_inserter(genres));
  return genres;
}

std::vector<std::string> tag_values(const std::vector<TagBlock>& blocks, std::string_view field) {
  for (const TagBlock& block : blocks) {
    auto values = tag_values(block, field);
    std::erase(values, "");
    if (!values.empty()) return values;
  }
  return {};
}

}  // namespace genrewise::audio
