#include "genrewise/audio/tag_blocks.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "genrewise/audio/byte_order.hpp"
#include "genrewise/audio/mpeg_layout.hpp"
#include "genrewise/audio/ogg_pages.hpp"
#include "genrewise/audio/tag_text.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/text.hpp"

namespace genrewise::audio {
namespace {

constexpr std::int64_t kMaxDecodedBytes = 1 << 28;  // of a tag that has to be in memory

std::string upper_case(std::string text) {
  for (char& letter : text)
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  return text;
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
    const auto size = static_cast<std::int64_t>(syncsafe(number_at(head, 6, 4, true)));
    block.version = static_cast<unsigned char>(head[3]);
    block.flags = static_cast<unsigned char>(head[5]);
    block.begin = tag.offset();
    block.end = tag.offset() + std::min(tag.size(), 10 + size + (has(4, 0x10) ? 10 : 0));  // a footer
    body_ = tag.part(10, std::clamp<std::int64_t>(tag.size() - 10, 0, size));
    block.is_whole = body_.size() == size && block.version >= 2 && block.version <= 4 && !has(2, 0x40);
    if (has(2, 0x80) || has(3, 0x80)) body_ = hold(block, synchronised(read_bytes(body_, 0, kMaxDecodedBytes)));
    head_bytes_ = block.version == 2 ? 6 : 10;
  }

  void read() {
    if (block_.version < 2 || block_.version > 4 || has(2, 0x40)) return;  // 2.2: compressed in an unknown way
    std::int64_t at = 0;
    const std::uint64_t extended = number_at(body_, 0, 4, true);
    if (has(3, 0x40)) at = static_cast<std::int64_t>(extended) + 4;
    if (has(4, 0x40)) at = static_cast<std::int64_t>(syncsafe(extended));
    if (at > body_.size()) at = 0;  // there is no extended header
    while (at + head_bytes_ <= body_.size()) {
      const std::string head = read_bytes(body_, at, head_bytes_);
      std::string id = head.substr(0, block_.version == 2 ? 3 : 4);
      if (id[0] == 0) return;                                                       // padding
      while (id.size() > 3 && (id.back() == 0 || id.back() == ' ')) id.pop_back();  // iTunes: ids of 2.2 in 2.3
      const std::int64_t size = size_of_frame(head, at);
      if (!is_frame_id(id) || size > body_.size() - at - head_bytes_) return void(block_.is_whole = false);
      add(std::move(id), head, body_.part(at, head_bytes_ + size));
      at += head_bytes_ + size;
    }
  }

 private:
  static std::uint64_t syncsafe(std::uint64_t value) {
    return (value >> 24 & 0x7f) << 21 | (value >> 16 & 0x7f) << 14 | (value >> 8 & 0x7f) << 7 | (value & 0x7f);
  }
  bool has(int version, unsigned flag) const { return block_.version == version && (block_.flags & flag) != 0; }

  std::int64_t size_of_frame(std::string_view head, std::int64_t at) const {
    if (block_.version == 2) return static_cast<std::int64_t>(number_at(head, 3, 3, true));
    const std::uint64_t plain = number_at(head, 4, 4, true), safe = syncsafe(plain);
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
                            is_new && ((flags & 2) != 0 || has(4, 0x80))});
  }

  TagBlock& block_;
  ByteView body_;
  std::int64_t head_bytes_ = 10;
};

/// Ogg Vorbis I specification, 5.
void read_comments(TagBlock& block, const ByteView& comments) {
  const auto length_at = [&](std::int64_t at) { return static_cast<std::int64_t>(number_at(comments, at, 4, false)); };
  std::int64_t at = 4 + length_at(0);
  constexpr std::int64_t kMostComments = 1 << 16;
  block.is_whole = at + 4 <= comments.size();
  block.lead = read_bytes(comments, 0, at);
  const std::int64_t count = length_at(at);
  at += 4;
  for (std::int64_t i = 0; i < count && block.is_whole; ++i) {
    const std::int64_t size = length_at(at);
    block.is_whole = at + 4 + size <= comments.size() && i < kMostComments;
    if (!block.is_whole) return;
    const ByteView raw = comments.part(at, 4 + size);
    const std::string name = read_bytes(raw, 4, 64);
    const std::size_t equals = name.find('=');
    const auto value = equals == name.npos ? raw.size() : static_cast<std::int64_t>(equals) + 5;
    block.items.push_back({upper_case(name.substr(0, equals)), raw, raw.part(value, raw.size() - value)});
    at += 4 + size;
  }
  block.tail = read_bytes(comments, at, comments.size());
}

class TagFinder {
 public:
  explicit TagFinder(ByteSource& source) : source_(source), all_(source, 0, source.size()) {}

  FileTags find() {
    tags_.begin = end_of_leading_tags(source_);
    const ByteView file = all_.part(tags_.begin, all_.size() - tags_.begin);
    switch (tags_.container = container_of(file)) {
      case Container::flac:
        add_flac(file);
        break;
      case Container::ogg:
        add_ogg(file);
        break;
      case Container::mp4:
        add_mp4(file);
        break;
      case Container::asf:
        add_asf(file);
        break;
      case Container::wav:
      case Container::aiff:
        add_riff(file.part(12, file.size() - 12));
        break;
      case Container::dsf: {  // DSF File Format Specification, "DSD chunk"
        const auto at = static_cast<std::int64_t>(number_at(file, 20, 8, false));
        if (at > 0 && at < file.size()) add_id3v2(file.part(at, file.size() - at));
        break;
      }
      default:
        break;
    }
    add_id3v2(all_);
    if (info_.kind == TagKind::info) tags_.blocks.push_back(std::move(info_));
    // Other containers end with audio, in which "TAG" may be chance.
    for (const Container one : {Container::flac, Container::ape, Container::tta, Container::other})
      if (tags_.container == one) add_trailing();
    tags_.blocks.push_back(std::move(others_));
    return std::move(tags_);
  }

 private:
  static Container container_of(const ByteView& file) {
    const std::string head = read_bytes(file, 0, 16);
    if (head.size() < 16) return Container::other;
    const std::string_view id = std::string_view(head).substr(0, 4), box = std::string_view(head).substr(4, 4);
    const std::string_view form = std::string_view(head).substr(8, 4);
    if (id == "fLaC") return Container::flac;
    if (id == "OggS") return Container::ogg;
    if (id == "\x30\x26\xb2\x75") return Container::asf;
    if (id == "RIFF" && form == "WAVE") return Container::wav;
    if (id == "FORM" && (form == "AIFF" || form == "AIFC")) return Container::aiff;
    if (id == "DSD ") return Container::dsf;
    if (id == "TTA1") return Container::tta;
    if (id == "MAC " || id == "wvpk" || id == "MPCK" || id.starts_with("MP+")) return Container::ape;
    for (const char* name : {"ftyp", "moov", "mdat", "wide", "free", "skip"})
      if (box == name) return Container::mp4;
    return Container::other;
  }

  void add_id3v2(const ByteView& view) {
    if (view.size() < 10 || read_bytes(view, 0, 3) != "ID3") return;
    TagBlock block{.kind = TagKind::id3v2};
    Id3v2Reader(view, block).read();
    tags_.blocks.push_back(std::move(block));
  }

  /// RFC 9639, 8.
  void add_flac(const ByteView& flac) {
    constexpr unsigned kPadding = 1, kComments = 4, kLast = 0x80;
    for (std::int64_t at = 4;;) {
      const std::string head = read_bytes(flac, at, 4);
      if (head.size() < 4) return;
      const unsigned first = static_cast<unsigned char>(head[0]), type = first & ~kLast;
      const auto size = static_cast<std::int64_t>(number_at(head, 1, 3, true));
      const ByteView data = flac.part(at + 4, std::clamp<std::int64_t>(flac.size() - at - 4, 0, size));
      if (type == kComments) {
        TagBlock block{
            .kind = TagKind::vorbis, .begin = flac.offset() + at, .end = data.offset() + data.size(), .flags = first};
        read_comments(block, data);
        block.is_whole = block.is_whole && data.size() == size;
        tags_.blocks.push_back(std::move(block));
      } else if (type != kPadding) {
        others_.items.push_back({std::to_string(type), data, data});
      }
      if ((first & kLast) != 0) return;
      at += 4 + size;
    }
  }

  void add_ogg(const ByteView& ogg) {
    const OggHeaders headers = read_ogg_headers(ogg);
    if (headers.packets.size() < 2) return;
    const std::string& second = headers.packets[1];
    const std::size_t skipped = comments_in_packet(headers.packets[0], second);
    if (skipped == second.npos) return;
    TagBlock block{.kind = TagKind::vorbis};
    read_comments(block, hold(block, std::string_view(second).substr(skipped)));
    tags_.blocks.push_back(std::move(block));
  }

  /// Apple, QuickTime File Format, "Metadata". Lists of several "moov" or "udta" boxes are one block.
  void add_mp4(const ByteView& file) {
    const auto in = [](const ByteView& boxes, std::string_view name, const auto& use) {
      for_each_chunk(boxes, ChunkLayout::mp4, [&](const Chunk& box) {
        if (box.name == name) use(box);
      });
    };
    TagBlock block{.kind = TagKind::mp4};
    in(file, "moov", [&](const Chunk& moov) {
      in(moov.data, "udta", [&](const Chunk& user) {
        for_each_chunk(user.data, ChunkLayout::mp4, [&](const Chunk& box) {
          if (box.name != "meta") others_.items.push_back({box.name, box.raw, box.data});
        });
        in(user.data, "meta", [&](const Chunk& meta) {
          in(meta_boxes(meta), "ilst", [&](const Chunk& list) {
            const std::int64_t end =
                for_each_chunk(list.data, ChunkLayout::mp4, [&](const Chunk& item) { add_atom(block, item); });
            block.is_whole = block.is_whole && end == list.data.size();
          });
        });
      });
    });
    tags_.blocks.push_back(std::move(block));
  }

  static void add_atom(TagBlock& block, const Chunk& item) {
    std::string key = item.name;
    if (key == "----") {
      for_each_chunk(item.data, ChunkLayout::mp4, [&](const Chunk& part) {
        if (part.name == "mean" || part.name == "name") key += ":" + read_bytes(part.data, 4, 256);
      });
    }
    block.items.push_back({std::move(key), item.raw, item.data});
  }

  /// ASF specification, 3.
  void add_asf(const ByteView& file) {
    const auto size = static_cast<std::int64_t>(number_at(file, 16, 8, false));
    TagBlock block{.kind = TagKind::asf, .is_whole = size >= kAsfHeader && size <= file.size()};
    // Several values begin in the first of these that takes the attribute and go on in the others.
    for (const auto object : {asf_object::kDescription, asf_object::kExtended, asf_object::kLibrary})
      if (block.is_whole) add_asf_objects(block, file.part(kAsfHeader, size - kAsfHeader), object);
    tags_.blocks.push_back(std::move(block));
  }

  void add_asf_objects(TagBlock& block, const ByteView& objects, std::string_view wanted, bool is_inner = false) {
    for_each_chunk(objects, ChunkLayout::asf, [&](const Chunk& object) {
      const ByteView& data = object.data;
      const auto add = [&](std::string key, std::int64_t begin, std::int64_t size, std::int64_t value_bytes) {
        block.is_whole = block.is_whole && begin + size <= data.size();
        if (!block.is_whole) return;
        const ByteView raw = data.part(begin, size);
        block.items.push_back({std::move(key), raw, raw.part(size - value_bytes, value_bytes)});
      };
      const auto number = [&](std::int64_t at, int count = 2) {
        return static_cast<std::int64_t>(number_at(data, at, count, false));
      };
      const bool is_library = object.name == asf_object::kLibrary;
      std::int64_t at = 2;
      if (object.name == wanted && wanted == asf_object::kDescription) {
        at = 10;
        std::int64_t length_at = 0;
        for (const char* key : {"Title", "Author", "Copyright", "Description", "Rating"}) {
          const std::int64_t bytes = number(std::exchange(length_at, length_at + 2));
          add(key, at, bytes, bytes);
          at += bytes;
        }
      } else if (object.name == wanted) {
        for (std::int64_t left = number(0); left > 0 && block.is_whole; --left) {
          const std::int64_t name_at = at + (is_library ? 12 : 2), name_bytes = number(at + (is_library ? 4 : 0));
          const auto name = clean_utf16(read_bytes(data, name_at, name_bytes), false);
          const std::int64_t bytes = is_library ? number(at + 8, 4) : number(name_at + name_bytes + 2);
          const std::int64_t size = name_at - at + name_bytes + (is_library ? 0 : 4) + bytes;
          add(name.empty() ? "" : name[0], at, size, bytes);
          at += size;
        }
      } else if (object.name == asf_object::kExtension && !is_inner) {
        if (data.size() > kAsfExtension)
          add_asf_objects(block, data.part(kAsfExtension, data.size() - kAsfExtension), wanted, true);
      } else if (wanted == asf_object::kLibrary && object.name != asf_object::kFile &&
                 object.name != asf_object::kDescription && object.name != asf_object::kExtended) {
        others_.items.push_back({object.name, object.raw, data});
      }
    });
  }

  void add_riff(const ByteView& chunks) {
    const ChunkLayout layout = tags_.container == Container::wav ? ChunkLayout::riff : ChunkLayout::aiff;
    for_each_chunk(chunks, layout, [&](const Chunk& chunk) {
      if (lower_case(chunk.name) == "id3 ") {
        add_id3v2(chunk.data);
      } else if (chunk.name == "LIST" && read_bytes(chunk.data, 0, 4) == "INFO") {
        info_.kind = TagKind::info;
        const ByteView list = chunk.data.part(4, chunk.data.size() - 4);
        const std::int64_t end = for_each_chunk(list, layout, [&](const Chunk& item) {
          info_.items.push_back({item.name, item.raw, item.data});
        });
        info_.is_whole = info_.is_whole && end == list.size();
      } else if (lower_case(chunk.name) != "data" && chunk.name != "SSND") {
        others_.items.push_back({chunk.name, chunk.raw, chunk.data});
      }
    });
  }

  /// APEv2 (wiki.hydrogenaud.io, "APEv2 specification") and ID3v1 behind it.
  void add_trailing() {
    const bool has_id3v1 = read_bytes(all_, all_.size() - 128, 3) == "TAG";
    const std::int64_t ape_end = all_.size() - (has_id3v1 ? 128 : 0), ape_begin = begin_of_trailing_tags(source_);
    if (ape_begin < ape_end) add_ape(all_.part(ape_begin, ape_end - ape_begin));
    if (!has_id3v1) return;
    const ByteView tag = all_.part(ape_end, 128);
    TagBlock block{.kind = TagKind::id3v1, .begin = ape_end, .end = all_.size()};
    const auto add = [&](const char* key, std::int64_t from, std::int64_t size) {
      block.items.push_back({key, tag.part(from, size), tag.part(from, size)});
    };
    add("TITLE", 3, 30), add("ARTIST", 33, 30), add("ALBUM", 63, 30), add("YEAR", 93, 4), add("COMMENT", 97, 28);
    add("TRACK", 125, 2), add("GENRE", 127, 1);
    tags_.blocks.push_back(std::move(block));
  }

  void add_ape(const ByteView& tag) {
    constexpr std::int64_t kFoot = 32, kMaxKey = 256;
    TagBlock block{.kind = TagKind::ape, .begin = tag.offset(), .end = tag.offset() + tag.size()};
    const std::string foot = read_bytes(tag, tag.size() - kFoot, kFoot);
    const std::int64_t end = tag.size() - kFoot;
    std::int64_t at = tag.size() - static_cast<std::int64_t>(number_at(foot, 12, 4, false));
    block.is_whole = at >= 0;
    for (std::uint64_t left = number_at(foot, 16, 4, false); left > 0 && block.is_whole; --left) {
      const std::string head = read_bytes(tag, at, 8 + kMaxKey);
      const std::size_t key_end = head.find('\0', std::min<std::size_t>(8, head.size()));
      const auto size = static_cast<std::int64_t>(number_at(head, 0, 4, false));
      const std::int64_t value = at + static_cast<std::int64_t>(key_end) + 1;
      block.is_whole = key_end != head.npos && value + size <= end;
      if (!block.is_whole) break;
      const bool is_text = (number_at(head, 4, 4, false) & 6) == 0;
      block.items.push_back({upper_case(head.substr(8, key_end - 8)), tag.part(at, value + size - at),
                             tag.part(value, is_text ? size : 0)});
      at = value + size;
    }
    tags_.blocks.push_back(std::move(block));
  }

  ByteSource& source_;
  ByteView all_;
  FileTags tags_;
  TagBlock info_{.kind = TagKind::other}, others_{.kind = TagKind::other};
};

}  // namespace

std::string read_bytes(const ByteView& view, std::int64_t offset, std::int64_t count) {
  if (offset < 0 || offset > view.size()) return {};
  std::string bytes(static_cast<std::size_t>(std::min(count, view.size() - offset)), '\0');
  bytes.resize(view.read_at(offset, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

std::uint64_t number_at(std::string_view bytes, std::size_t at, int count, bool is_big_endian) {
  if (at + static_cast<std::size_t>(count) > bytes.size()) return 0;
  const auto* from = reinterpret_cast<const std::byte*>(bytes.data()) + at;
  return is_big_endian ? big_endian(from, count) : little_endian(from, count);
}

bool read_chunk(const ByteView& view, std::int64_t& offset, ChunkLayout layout, Chunk& chunk) {
  throw_if_interrupted();
  const bool is_mp4 = layout == ChunkLayout::mp4, is_asf = layout == ChunkLayout::asf;
  const std::string head = read_bytes(view, offset, is_asf ? 24 : 16);
  std::int64_t head_bytes = is_asf ? 24 : 8;
  if (std::ssize(head) < head_bytes) return false;
  const auto left = static_cast<std::uint64_t>(view.size() - offset);
  std::uint64_t size = is_asf   ? number_at(head, 16, 8, false)
                       : is_mp4 ? number_at(head, 0, 4, true)
                                : number_at(head, 4, 4, layout == ChunkLayout::aiff) + 8;
  if (is_mp4 && size == 1) size = number_at(head, 8, 8, true), head_bytes = 16;
  if (is_mp4 && size == 0) size = left;
  if (size < static_cast<std::uint64_t>(head_bytes) || size > left) return false;
  chunk.name = is_asf ? head.substr(0, 16) : head.substr(is_mp4 ? 4 : 0, 4);
  chunk.raw = view.part(offset, static_cast<std::int64_t>(size));
  chunk.data = chunk.raw.part(head_bytes, chunk.raw.size() - head_bytes);
  offset = std::min(view.size(), offset + chunk.raw.size() + (is_mp4 || is_asf ? 0 : chunk.raw.size() & 1));
  return true;
}

ByteView meta_boxes(const Chunk& meta) {
  const std::int64_t skipped = read_bytes(meta.data, 4, 4) == "hdlr" ? 0 : std::min<std::int64_t>(4, meta.data.size());
  return meta.data.part(skipped, meta.data.size() - skipped);
}

std::size_t comments_in_packet(std::string_view first, std::string_view second) {
  if (first.starts_with("\x01vorbis") && second.starts_with("\x03vorbis")) return 7;
  if (first.starts_with("OpusHead") && second.starts_with("OpusTags")) return 8;
  if (first.starts_with("\x7f"
                        "FLAC") &&
      (second.starts_with('\x04') || second.starts_with('\x84')) && second.size() >= 4)
    return 4;
  return first.starts_with("Speex   ") ? 0 : second.npos;
}

OggHeaders read_ogg_headers(const ByteView& ogg) {
  OggHeaders headers;
  std::string packet;
  for (std::int64_t at = 0; at < kMaxDecodedBytes;) {
    const auto page = ogg_page_at(ogg, at);
    if (!page || page->end > ogg.size() || (at > 0 && page->serial != headers.serial)) return {};
    headers.serial = page->serial;
    const std::string data = read_bytes(ogg, page->data, page->end - page->data);
    if (std::ssize(data) < page->end - page->data) return {};  // it cannot be read
    std::size_t from = 0;
    for (const unsigned char size : page->segments) {
      packet += data.substr(from, size);
      from += size;
      if (size < 255) headers.packets.push_back(std::exchange(packet, {}));
    }
    if (at == 0) headers.second_page = page->end;
    headers.pages += at > 0;
    at = headers.end = page->end;
    if (at > headers.second_page && headers.packets.size() > 1 && packet.empty()) return headers;
  }
  return {};
}

FileTags find_tags(ByteSource& source) {
  return TagFinder(source).find();
}

}  // namespace genrewise::audio
