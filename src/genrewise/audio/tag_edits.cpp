#include "genrewise/audio/tag_edits.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <id3v1genres.h>

#include <algorithm>
#include <array>
#include <utility>

#include "genrewise/audio/mpeg_layout.hpp"
#include "genrewise/audio/ogg_pages.hpp"
#include "genrewise/audio/tag_text.hpp"
#include "genrewise/base/text.hpp"

namespace genrewise::audio {
namespace {

using namespace std::string_literals;

constexpr std::uint64_t kMax32 = 0xffffffff;
constexpr char kNoLanguage[] = "XXX";  // of a comment (ID3v2.4, 4.10)

std::string number(std::uint64_t value, int bytes, bool big_endian) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * (big_endian ? bytes - 1 - i : i));
  return text;
}
std::string big(std::uint64_t value, int bytes = 4) {
  return number(value, bytes, true);
}
std::string little(std::uint64_t value, int bytes = 4) {
  return number(value, bytes, false);
}
std::string syncsafe(std::uint64_t value) {
  return big((value & 0x7f) | (value & 0x3f80) << 1 | (value & 0x1fc000) << 2 | (value & 0xfe00000) << 3);
}

std::string joined(const std::vector<std::string>& values, std::string_view separator) {
  return fmt::format("{}", fmt::join(values, separator));
}

std::string chunk(ChunkLayout layout, std::string_view name, const std::string& data) {
  const std::string id(name);
  if (layout == ChunkLayout::asf) return id + little(data.size() + 24, 8) + data;
  if (layout == ChunkLayout::mp4) return big(data.size() + 8) + id + data;
  return id + number(data.size(), 4, layout == ChunkLayout::aiff) + data + std::string(data.size() & 1, '\0');
}

std::string whole(const ByteView& view) {
  return read_bytes(view, 0, view.size());
}

/// The chunks of a view, each as `changed` returns it; then what is behind them.
template <class Changed>
std::string rewritten(const ByteView& view, ChunkLayout layout, const Changed& changed) {
  std::string bytes;
  const std::int64_t end = for_each_chunk(view, layout, [&](const Chunk& one) { bytes += changed(one); });
  return bytes + read_bytes(view, end, view.size());
}

/// A tag's items in their formats, without the field's and with new ones.
class ItemWriter {
 public:
  ItemWriter(const TagBlock& block, const FieldValues& to)
      : block_(block), to_(to), key_(split_text(native_keys(block.kind, block.version, to.field), '|')[0]) {
    if (key_.empty()) return;
    const std::vector<std::string> values = stored_values(block, to);
    if (!values.empty()) add(values);
  }

  /// Calls `use` with the bytes of each item.
  template <class Use>
  void for_each(const Use& use) const {
    for (const TagItem& item : block_.items)
      if (!is_field(block_, item, to_.field)) use(whole(item.raw));
    for (const std::string& item : added_) use(item);
  }
  std::string all() const {
    std::string bytes;
    for_each([&](const std::string& item) { bytes += item; });
    return bytes;
  }
  std::size_t count() const {
    std::size_t items = 0;
    for_each([&](const std::string&) { ++items; });
    return items;
  }
  const std::vector<std::string>& added() const { return added_; }

 private:
  void add(const std::vector<std::string>& values) {
    switch (block_.kind) {
      case TagKind::id3v2:
        return added_.push_back(frame(values));
      case TagKind::ape: {
        const std::string text = joined(values, "\0"s);
        return added_.push_back(little(text.size()) + little(0) + key_ + '\0' + text);
      }
      case TagKind::vorbis:
        for (const std::string& value : values)
          added_.push_back(little(key_.size() + 1 + value.size()) + key_ + "=" + value);
        return;
      case TagKind::info:
        return added_.push_back(chunk(ChunkLayout::riff, key_, values[0] + '\0'));
      case TagKind::mp4: {
        std::string data;
        for (const std::string& value : values) data += chunk(ChunkLayout::mp4, "data", big(1) + big(0) + value);
        const auto parts = split_text(key_, ':');  // "----", mean, name
        if (parts.size() == 3)
          data = chunk(ChunkLayout::mp4, "mean", big(0) + parts[1]) +
                 chunk(ChunkLayout::mp4, "name", big(0) + parts[2]) + data;
        return added_.push_back(chunk(ChunkLayout::mp4, parts[0], data));
      }
      case TagKind::asf:
        for (const std::string& value : values) {
          const std::string name = to_utf16(key_) + "\0\0"s, text = to_utf16(value) + "\0\0"s;
          added_.push_back(little(name.size(), 2) + name + little(0, 2) + little(text.size(), 2) + text);
        }
        return;
      default:
        return;
    }
  }

  std::string frame(const std::vector<std::string>& values) const {
    const auto latin1 = to_latin1(values[0]);
    const bool is_utf8 = block_.version == 4, is_wide = !is_utf8 && !latin1;
    const std::string mark = is_wide ? "\xff\xfe" : "";
    std::string text = is_utf8 ? joined(values, "\0"s) : mark + (is_wide ? to_utf16(values[0]) : *latin1);
    if (key_.starts_with("COM")) text = kNoLanguage + mark + std::string(is_wide ? 2 : 1, '\0') + text;
    text.insert(text.begin(), static_cast<char>(is_utf8 ? 3 : is_wide));
    if (block_.version == 2) return key_ + big(text.size(), 3) + text;
    return key_ + (is_utf8 ? syncsafe(text.size()) : big(text.size())) + "\0\0"s + text;
  }

  const TagBlock& block_;
  const FieldValues& to_;
  std::string key_;
  std::vector<std::string> added_;
};

std::string id3v2_tag(const TagBlock& block, const FieldValues& to, bool is_padded) {
  constexpr std::int64_t kPadding = 1024, kMaxPadding = 1 << 16;
  std::string frames = ItemWriter(block, to).all();
  if (frames.empty()) return {};
  const std::int64_t left = block.end - block.begin - 10 - std::ssize(frames);
  if (is_padded) frames.append(static_cast<std::size_t>(left < 0 || left > kMaxPadding ? kPadding : left), '\0');
  const auto flags = static_cast<char>(block.version == 4 ? block.flags & 0x80 : 0);  // no footer, no extended header
  return "ID3"s + static_cast<char>(block.version) + '\0' + flags + syncsafe(frames.size()) + frames;
}

std::string comments(const TagBlock& block, const FieldValues& to) {
  const ItemWriter items(block, to);
  return (block.lead.empty() ? little(0) : block.lead) + little(items.count()) + items.all() + block.tail;
}

std::string ape_tag(const TagBlock& block, const FieldValues& to) {
  const ItemWriter items(block, to);
  const std::string bytes = items.all();
  const auto head = [&](std::uint64_t flags) {
    return "APETAGEX" + little(2000) + little(bytes.size() + 32) + little(items.count()) + little(flags) + little(0, 8);
  };
  return bytes.empty() ? "" : head(0xa0000000) + bytes + head(0x80000000);
}

/// A genre without a number and text that is not Latin-1 leave the field empty.
std::string id3v1_tag(const TagBlock& block, const FieldValues& to) {
  std::string tag;
  for (const TagItem& item : block.items) {
    std::string bytes = whole(item.raw);
    if (is_field(block, item, to.field) && item.key == "GENRE") {
      int genre = 0;
      const auto is_named = [&](const std::string& value) {
        return lower_case(TagLib::ID3v1::genre(genre).to8Bit(true)) == lower_case(value);
      };
      while (genre < 192 && std::ranges::none_of(to.values, is_named)) ++genre;
      bytes = std::string(1, static_cast<char>(genre < 192 ? genre : 255));
    } else if (is_field(block, item, to.field)) {
      const std::size_t size = bytes.size();
      bytes = to_latin1(joined(to.values, "; ")).value_or("");
      bytes.resize(size);
    }
    tag += bytes;
  }
  return "TAG" + tag;
}

class Planner {
 public:
  Planner(ByteSource& source, const FileTags& tags, const FieldValues& to)
      : source_(source), file_(ByteView(source, tags.begin, source.size() - tags.begin)), tags_(tags), to_(to) {}

  Expected<EditPlan> plan() {
    for (const TagBlock& block : tags_.blocks)
      if (!block.is_whole) return fault("damaged", "its tags are incomplete or wrong");
    const bool is_known = plan_container();
    if (!is_known && problem_.empty()) return fault("format has no writable tags", "");
    plan_tags_around();
    if (!problem_.empty()) return fault("damaged", problem_);
    std::ranges::sort(plan_.edits, {}, &Edit::begin);
    return std::move(plan_);
  }

 private:
  static tl::unexpected<Fault> fault(const char* reason, std::string detail) {
    return tl::unexpected(Fault{reason, "", std::move(detail)});
  }
  const TagBlock* find(TagKind kind) const {
    const auto found = std::ranges::find(tags_.blocks, kind, &TagBlock::kind);
    return found == tags_.blocks.end() ? nullptr : &*found;
  }
  void edit(std::int64_t begin, std::int64_t end, std::string bytes) {
    plan_.edits.push_back({begin, end, std::move(bytes)});
  }
  bool damaged(const char* problem) {
    problem_ = problem;
    return false;
  }

  bool plan_container() {
    switch (tags_.container) {
      case Container::flac:
        return plan_flac();
      case Container::ogg:
        return plan_ogg();
      case Container::mp4:
        return plan_mp4();
      case Container::asf:
        return plan_asf();
      case Container::wav:
        return plan_riff(ChunkLayout::riff, "id3 ");
      case Container::aiff:
        return plan_riff(ChunkLayout::aiff, "ID3 ");
      case Container::ape:
        if (find(TagKind::ape) == nullptr) {
          const std::int64_t at = begin_of_trailing_tags(source_);
          edit(at, at, ape_tag({.kind = TagKind::ape}, to_));
        }
        return true;
      case Container::tta:
        return plan_new_id3v2();
      case Container::other:
        return find_mpeg_audio(source_, MpegSearch::at_start) && plan_new_id3v2();
      default:
        return false;
    }
  }

  bool plan_new_id3v2() {
    if (find(TagKind::id3v2) == nullptr && find(TagKind::ape) == nullptr)
      edit(0, 0, id3v2_tag({.kind = TagKind::id3v2, .version = 4}, to_, true));
    return true;
  }

  /// Tags at both ends of the file, of any format.
  void plan_tags_around() {
    for (const TagBlock& block : tags_.blocks) {
      if (block.kind == TagKind::id3v2 && block.begin == 0) edit(0, block.end, id3v2_tag(block, to_, true));
      if (block.kind == TagKind::ape) edit(block.begin, block.end, ape_tag(block, to_));
      if (block.kind == TagKind::id3v1) edit(block.begin, block.end, id3v1_tag(block, to_));
    }
  }

  bool plan_flac() {
    constexpr unsigned kComments = 4, kLast = 0x80;
    constexpr std::int64_t kStreamInfoEnd = 42;
    const TagBlock* found = find(TagKind::vorbis);
    const TagBlock none{
        .kind = TagKind::vorbis, .begin = tags_.begin + kStreamInfoEnd, .end = tags_.begin + kStreamInfoEnd};
    const std::string bytes = comments(found ? *found : none, to_);
    const auto first = static_cast<unsigned>(number_at(file_, 4, 1, true));
    if (bytes.size() > 0xffffff || file_.size() < kStreamInfoEnd) return damaged("its tags would be too large");
    if (!found && (first & kLast) != 0) edit(tags_.begin + 4, tags_.begin + 5, "\0"s);
    const unsigned flags = found ? found->flags : kComments | (first & kLast);
    const TagBlock& place = found ? *found : none;
    edit(place.begin, place.end, big(flags, 1) + big(bytes.size(), 3) + bytes);
    return true;
  }

  bool plan_ogg() {
    constexpr std::size_t kMaxSegments = 255;
    OggHeaders headers = read_ogg_headers(file_);
    const TagBlock* block = find(TagKind::vorbis);
    if (headers.packets.size() < 2 || block == nullptr) return damaged("no comments in its first stream");
    const std::size_t lead = comments_in_packet(headers.packets[0], headers.packets[1]);
    headers.packets[1].replace(lead, std::string::npos, comments(*block, to_));
    if (headers.packets[0].starts_with("\x7f")) headers.packets[1].replace(1, 3, big(headers.packets[1].size() - 4, 3));
    std::vector<unsigned char> segments;
    std::string data, pages;
    for (std::size_t i = 1; i < headers.packets.size(); ++i) {
      data += headers.packets[i];
      segments.insert(segments.end(), headers.packets[i].size() / 255, 255);
      segments.push_back(static_cast<unsigned char>(headers.packets[i].size() % 255));
    }
    std::uint64_t count = 0;
    for (std::size_t at = 0, from = 0; at < segments.size(); at += kMaxSegments, ++count) {
      const std::span used = std::span(segments).subspan(at, std::min(kMaxSegments, segments.size() - at));
      const bool continues = at > 0 && segments[at - 1] == 255;
      const bool ends_packet = std::ranges::any_of(used, [](unsigned char size) { return size < 255; });
      std::string page = "OggS\0"s + static_cast<char>(continues) + std::string(8, ends_packet ? '\0' : '\xff') +
                         little(headers.serial) + big(0, 8) + static_cast<char>(used.size());
      page.append(used.begin(), used.end());
      std::size_t bytes = 0;
      for (const unsigned char size : used) bytes += size;
      page += data.substr(from, bytes);
      from += bytes;
      renumber_ogg_page(page, count + 1);
      pages += page;
    }
    plan_.pages_added = static_cast<std::int64_t>(count) - static_cast<std::int64_t>(headers.pages);
    plan_.serial = headers.serial;
    edit(tags_.begin + headers.second_page, tags_.begin + headers.end, std::move(pages));
    return true;
  }

  bool plan_asf() {
    using namespace asf_object;
    const TagBlock& block = *find(TagKind::asf);
    const ItemWriter items(block, to_);
    const auto key = split_text(native_keys(TagKind::asf, 0, to_.field), '|')[0];
    const bool is_described = key == "Title" || key == "Author" || key == "Description";
    bool has_extended = false, has_description = false;
    // The records of an object without the field's.
    const auto kept = [&](const ByteView& data) {
      std::pair<std::size_t, std::string> records;
      for (const TagItem& item : block.items) {
        const std::int64_t at = item.raw.offset() - data.offset();
        if (at < 0 || at >= data.size() || is_field(block, item, to_.field)) continue;
        ++records.first;
        records.second += whole(item.raw);
      }
      return records;
    };
    const auto description = [&](const std::string* old) {
      std::string lengths, texts;
      for (std::size_t i = 0, at = 10; i < 5; ++i) {
        const std::size_t bytes = old ? number_at(*old, 2 * i, 2, false) : 0;
        std::string text = old && at < old->size() ? old->substr(at, bytes) : "";
        at += bytes;
        if (key == std::array{"Title", "Author", "Copyright", "Description", "Rating"}[i])
          text = to_.values.empty() ? "" : to_utf16(stored_values(block, to_)[0]) + "\0\0"s;
        if (text.size() > 0xffff) problem_ = "its tags would be too large";
        lengths += little(text.size(), 2);
        texts += text;
      }
      return chunk(ChunkLayout::asf, kDescription, lengths + texts);
    };
    const auto extended = [&](std::pair<std::size_t, std::string> records) {
      const auto& added = is_described ? std::vector<std::string>{} : items.added();
      for (const std::string& item : added) records.second += item;
      return chunk(ChunkLayout::asf, kExtended, little(records.first + added.size(), 2) + records.second);
    };
    const auto library = [&](const Chunk& object) {
      if (object.name != kLibrary) return whole(object.raw);
      const auto records = kept(object.data);
      return chunk(ChunkLayout::asf, kLibrary, little(records.first, 2) + records.second);
    };
    const auto size = static_cast<std::int64_t>(number_at(file_, 16, 8, false));
    std::uint64_t count = number_at(file_, 24, 4, false);
    std::int64_t file_size_at = -1;
    std::string objects;
    const ByteView header = file_.part(kAsfHeader, size - kAsfHeader);
    const std::int64_t end = for_each_chunk(header, ChunkLayout::asf, [&](const Chunk& object) {
      if (object.name == kDescription && is_described) {
        const std::string old = whole(object.data);
        objects += description(&old);
        has_description = true;
      } else if (object.name == kExtended && !std::exchange(has_extended, true)) {
        objects += extended(kept(object.data));
      } else if (object.name == kExtension && object.data.size() > kAsfExtension) {
        const ByteView inner = object.data.part(kAsfExtension, object.data.size() - kAsfExtension);
        const std::string bytes = rewritten(inner, ChunkLayout::asf, library);
        objects += chunk(ChunkLayout::asf, kExtension,
                         read_bytes(object.data, 0, kAsfExtension - 4) + little(bytes.size()) + bytes);
      } else {
        if (object.name == kFile && object.raw.size() >= 48) file_size_at = std::ssize(objects) + 40;
        objects += whole(object.raw);
      }
    });
    if (is_described && !has_description) objects += description(nullptr), ++count;
    if (!is_described && !has_extended && !items.added().empty()) objects += extended({}), ++count;
    const std::int64_t grown = std::ssize(objects) + kAsfHeader - size;
    if (file_size_at < 0 || end < header.size()) return damaged("no file properties, or objects that do not fit");
    const auto at = static_cast<std::size_t>(file_size_at);
    objects.replace(at, 8, little(number_at(objects, at, 8, false) + static_cast<std::uint64_t>(grown), 8));
    edit(tags_.begin, tags_.begin + size,
         read_bytes(file_, 0, 16) + little(static_cast<std::uint64_t>(size + grown), 8) + little(count) +
             read_bytes(file_, 28, 2) + objects);
    return true;
  }

  bool plan_riff(ChunkLayout layout, std::string_view new_name) {
    const bool is_aiff = layout == ChunkLayout::aiff;
    const ByteView chunks = file_.part(12, file_.size() - 12);
    const std::uint64_t stated = number_at(file_, 4, 4, is_aiff);
    std::int64_t grown = 0, end = 0, last = 0;
    bool has_id3 = false;
    const auto replace = [&](std::int64_t from, std::int64_t to, std::string bytes) {
      grown += std::ssize(bytes) - (to - from);
      edit(chunks.offset() + from, chunks.offset() + to, std::move(bytes));
    };
    for (Chunk one{{}, chunks, chunks};
         read_chunk(chunks, end, layout, one) && end + 3 <= static_cast<std::int64_t>(stated); last = end) {
      const bool is_id3 = lower_case(one.name) == "id3 ";
      const auto block = std::ranges::find_if(tags_.blocks, [&](const TagBlock& tag) {
        return tag.kind == TagKind::id3v2 && tag.begin == one.data.offset();
      });
      if (is_id3 && block != tags_.blocks.end()) {
        const std::string tag = id3v2_tag(*block, to_, false);
        replace(last, end, tag.empty() ? "" : chunk(layout, one.name, tag));
        has_id3 = true;
      } else if (one.name == "LIST" && find(TagKind::info) && read_bytes(one.data, 0, 4) == "INFO") {
        std::string items = "INFO";
        ItemWriter(*find(TagKind::info), to_).for_each([&](std::string item) {
          item.append(item.size() & 1, '\0');
          items += item;
        });
        replace(last, end, chunk(layout, one.name, items));
      }
    }
    // A chunk of odd size at the end may lack its padding.
    if (stated + 1 < static_cast<std::uint64_t>(last) + 4 || last + 4 < static_cast<std::int64_t>(stated) - 1)
      return damaged("its chunks do not fill it");
    const std::string tag = has_id3 ? "" : id3v2_tag({.kind = TagKind::id3v2, .version = 4}, to_, false);
    if (!tag.empty()) replace(last, last, std::string(last & 1, '\0') + chunk(layout, new_name, tag));
    const auto size = static_cast<std::uint64_t>(last + 4 + grown);
    if (size > kMax32) return damaged("it would be too large");
    edit(tags_.begin + 4, tags_.begin + 8, number(size, 4, is_aiff));
    return true;
  }

  bool plan_mp4() {
    std::optional<Chunk> moov;
    bool is_fragmented = false;
    for_each_chunk(file_, ChunkLayout::mp4, [&](const Chunk& box) {
      if (box.name == "moov") moov = box;
      is_fragmented = is_fragmented || box.name == "moof";
    });
    if (!moov || is_fragmented || tags_.begin > 0) return false;  // other boxes have offsets too
    std::string bytes = replaced_in(moov->data, std::array<std::string_view, 3>{"udta", "meta", "ilst"});
    const std::int64_t grown = std::ssize(bytes) + 8 - moov->raw.size();
    constexpr std::string_view kToOffsets[] = {"trak", "mdia", "minf", "stbl"};
    move_offsets(bytes, 0, bytes.size(), kToOffsets, moov->raw.offset(), grown);
    edit(moov->raw.offset(), moov->raw.offset() + moov->raw.size(), chunk(ChunkLayout::mp4, "moov", bytes));
    return true;
  }

  /// The boxes of a view, in which the one at this path (made if it is missing) has the new items.
  std::string replaced_in(const ByteView& boxes, std::span<const std::string_view> path) {
    if (path.empty()) return ItemWriter(*find(TagKind::mp4), to_).all();
    bool is_found = false;
    const auto inner = [&](const Chunk& box) {
      const ByteView content = box.name == "meta" ? meta_boxes(box) : box.data;
      return chunk(
          ChunkLayout::mp4, box.name,
          read_bytes(box.data, 0, content.offset() - box.data.offset()) + replaced_in(content, path.subspan(1)));
    };
    std::string bytes;
    const std::int64_t end = for_each_chunk(boxes, ChunkLayout::mp4, [&](const Chunk& box) {
      const bool is_it = box.name == path[0] && !std::exchange(is_found, is_found || box.name == path[0]);
      bytes += is_it ? inner(box) : whole(box.raw);
    });
    const std::string tail = read_bytes(boxes, end, boxes.size());  // QuickTime ends "udta" with a zero
    if (is_found) return bytes + tail;
    // New boxes begin empty.
    static constexpr std::string_view kHandler("\0\0\0\0\0\0\0\0mdirappl\0\0\0\0\0\0\0\0\0", 25);
    const std::string content =
        path[0] == "meta" ? big(0) + chunk(ChunkLayout::mp4, "hdlr", std::string(kHandler)) : "";
    const Chunk missing{std::string(path[0]), boxes.part(0, 0), boxes.part(0, 0)};
    return bytes + chunk(ChunkLayout::mp4, missing.name, content + replaced_in(missing.data, path.subspan(1))) + tail;
  }

  /// Chunk offsets (ISO/IEC 14496-12, 8.7.5), in the boxes at this path, of data behind `from`.
  void move_offsets(std::string& moov, std::size_t begin, std::size_t end, std::span<const std::string_view> path,
                    std::int64_t from, std::int64_t by) {
    for (std::size_t at = begin; at + 8 <= end;) {
      const std::uint64_t size = number_at(moov, at, 4, true);
      const std::string name = moov.substr(at + 4, 4);
      if (size < 8 || size > end - at) return;
      if (!path.empty() && name == path[0]) move_offsets(moov, at + 8, at + size, path.subspan(1), from, by);
      const int bytes = !path.empty() ? 0 : name == "stco" ? 4 : name == "co64" ? 8 : 0;
      for (std::size_t entry = at + 16; bytes > 0 && entry + static_cast<std::size_t>(bytes) <= at + size;
           entry += static_cast<std::size_t>(bytes)) {
        const std::uint64_t offset = number_at(moov, entry, bytes, true);
        if (offset < static_cast<std::uint64_t>(from)) continue;
        const std::uint64_t moved = offset + static_cast<std::uint64_t>(by);
        if (bytes == 4 && moved > kMax32) problem_ = "its samples would be behind 4 GiB";
        moov.replace(entry, static_cast<std::size_t>(bytes), big(moved, bytes));
      }
      at += size;
    }
  }

  ByteSource& source_;
  ByteView file_;
  const FileTags& tags_;
  const FieldValues& to_;
  EditPlan plan_;
  std::string problem_;
};

}  // namespace

std::vector<std::string> stored_values(const TagBlock& block, const FieldValues& to) {
  const std::string_view key = native_keys(block.kind, block.version, to.field);
  if (key.empty()) return {};
  const bool is_old = block.kind == TagKind::id3v2 && block.version < 4;
  const bool is_single =
      is_old || block.kind == TagKind::info || key == "COMM" || (block.kind == TagKind::asf && !key.starts_with("WM/"));
  if (!is_single || to.values.size() < 2) return to.values;
  return {joined(to.values, is_old ? "/" : "; ")};
}

Expected<EditPlan> plan_edits(ByteSource& source, const FileTags& tags, const FieldValues& to) {
  return Planner(source, tags, to).plan();
}

void renumber_ogg_page(std::string& page, std::uint64_t page_number) {
  static const auto table = [] {  // CRC-32 of RFC 3533, 6: polynomial 0x04c11db7, not reflected
    std::array<std::uint32_t, 256> values{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      values[i] = i << 24;
      for (int bit = 0; bit < 8; ++bit) values[i] = values[i] << 1 ^ (values[i] >> 31) * 0x04c11db7u;
    }
    return values;
  }();
  page.replace(18, 8, little(page_number) + little(0));
  std::uint32_t crc = 0;
  for (const char byte : page) crc = crc << 8 ^ table[crc >> 24 ^ static_cast<unsigned char>(byte)];
  page.replace(22, 4, little(crc));
}

}  // namespace genrewise::audio
