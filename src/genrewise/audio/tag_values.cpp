#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "genrewise/audio/tag_blocks.hpp"
#include "genrewise/audio/tag_text.hpp"
#include "genrewise/base/text.hpp"

namespace genrewise::audio {
namespace {

constexpr std::int64_t kMaxValueBytes = 1 << 16;  // more is cut anyway

struct FieldKeys {
  std::string_view field, id3v2, id3v22, vorbis, mp4, asf, info, ape;
};
constexpr FieldKeys kFields[] = {
    {"genre", "TCON", "TCO", "GENRE", "\251gen|gnre", "WM/Genre", "IGNR", "GENRE"},
    {"artist", "TPE1", "TP1", "ARTIST", "\251ART", "Author", "IART", "ARTIST"},
    {"albumartist", "TPE2", "TP2", "ALBUMARTIST|ALBUM ARTIST|ALBUM_ARTIST", "aART", "WM/AlbumArtist", "",
     "ALBUM ARTIST|ALBUMARTIST|ALBUM_ARTIST"},
    {"album", "TALB", "TAL", "ALBUM", "\251alb", "WM/AlbumTitle", "IPRD", "ALBUM"},
    {"title", "TIT2", "TT2", "TITLE", "\251nam", "Title", "INAM", "TITLE"},
    {"grouping", "TIT1|GRP1", "TT1", "GROUPING|CONTENTGROUP", "\251grp", "WM/ContentGroupDescription", "", "GROUPING"},
    {"mood", "TMOO", "", "MOOD", "----:com.apple.iTunes:MOOD", "WM/Mood", "", "MOOD"},
    {"comment", "COMM", "COM", "COMMENT|DESCRIPTION", "\251cmt", "Description", "ICMT", "COMMENT"},
    {"track", "TRCK", "TRK", "TRACKNUMBER", "trkn", "WM/TrackNumber", "ITRK|IPRT", "TRACK"},
    {"year", "TDRC|TYER", "TYE", "DATE|YEAR", "\251day", "WM/Year|date", "ICRD", "YEAR|DATE"}};

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
    std::size_t end = is_wide ? 0 : text.find('\0');
    while (is_wide && end + 1 < text.size() && (text[end] != 0 || text[end + 1] != 0)) end += 2;
    const std::string_view description = text.substr(0, end);
    if (end >= text.size() || description.find_first_not_of("\xff\xfe") != text.npos) return {};  // of another kind
    text.remove_prefix(std::min(text.size(), end + (is_wide ? 2 : 1)));
  }
  return is_wide ? clean_utf16(text, encoding == 2) : clean_texts(text);
}

std::vector<std::string> mp4_texts(const TagItem& item) {
  std::vector<std::string> texts;
  for_each_chunk(item.value, ChunkLayout::mp4, [&](const Chunk& data) {
    if (data.name != "data") return;
    const std::string bytes = read_bytes(data.data, 8, kMaxValueBytes);
    if (item.key == "gnre" && number_at(bytes, 0, 2, true) > 0) {  // ID3 genres, counted from 1
      texts.push_back(std::to_string(number_at(bytes, 0, 2, true) - 1));
    } else if (item.key == "trkn") {
      texts.push_back(std::to_string(number_at(bytes, 2, 2, true)));
    } else {
      std::ranges::move(clean_texts(bytes), std::back_inserter(texts));
    }
  });
  return texts;
}

std::vector<std::string> texts_of(const TagBlock& block, const TagItem& item) {
  if (block.kind == TagKind::id3v2) return id3_texts(item);
  if (block.kind == TagKind::mp4) return mp4_texts(item);
  const std::string bytes = read_bytes(item.value, 0, kMaxValueBytes);
  if (block.kind == TagKind::id3v1 && (item.key == "GENRE" || item.key == "TRACK")) {
    const bool is_number = item.key == "GENRE" || (bytes.size() == 2 && bytes[0] == 0);
    return {is_number ? std::to_string(static_cast<unsigned char>(bytes.back())) : ""};
  }
  if (block.kind == TagKind::id3v1) return {clean_text(bytes.substr(0, bytes.find('\0')))};
  if (block.kind != TagKind::asf) return clean_texts(bytes);
  // ASF stores numbers in 4 or 8 bytes; a text of one character has 4 as well, with its end.
  const bool is_number = item.key == "WM/TrackNumber" && bytes.size() == 4 && bytes[2] == 0 && bytes[1] == 0;
  return is_number && (bytes[0] < '0' || bytes[0] > '9') ? std::vector{std::to_string(number_at(bytes, 0, 4, false))}
                                                         : clean_utf16(bytes, false);
}

}  // namespace

std::string_view native_keys(TagKind kind, int version, std::string_view field) {
  const auto* found = std::ranges::find(kFields, field, &FieldKeys::field);
  if (found == std::end(kFields) || kind == TagKind::other) return {};
  if (kind == TagKind::id3v2) return version == 2 ? found->id3v22 : found->id3v2;
  if (kind == TagKind::vorbis) return found->vorbis;
  if (kind == TagKind::mp4) return found->mp4;
  if (kind == TagKind::asf) return found->asf;
  return kind == TagKind::info ? found->info : found->ape;
}

bool is_field(const TagBlock& block, const TagItem& item, std::string_view field) {
  const std::string_view keys = native_keys(block.kind, item.key.size() == 3 ? 2 : block.version, field);
  if (item.key.empty() || std::ranges::count(split_text(keys, '|'), item.key) == 0) return false;
  return block.kind != TagKind::id3v2 || !item.key.starts_with("COM") || !id3_texts(item).empty();
}

std::vector<std::string> tag_values(const TagBlock& block, std::string_view field) {
  std::vector<std::string> values;
  std::unordered_set<std::string> known;
  const auto add = [&](std::string value) {
    if (!value.empty() && known.insert(value).second) values.push_back(std::move(value));
  };
  for (const TagItem& item : block.items) {
    if (!is_field(block, item, field)) continue;
    for (std::string& text : texts_of(block, item)) {
      if (field == "genre") {
        std::ranges::for_each(genres_of(text), add);
      } else {
        add(std::move(text));
      }
    }
  }
  return values;
}

std::vector<std::string> tag_values(const FileTags& tags, std::string_view field) {
  for (const TagBlock& block : tags.blocks)
    if (auto values = tag_values(block, field); !values.empty()) return values;
  return {};
}

}  // namespace genrewise::audio
