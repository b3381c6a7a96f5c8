#include "genrewise/audio/tag_text.hpp"

#include <id3v1genres.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "genrewise/base/text.hpp"

namespace genrewise::audio {
namespace {

void append_utf8(std::string& text, char32_t code) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  const auto rest = [&](int shift) { put(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) return put(0xc0 | code >> 6), rest(0);
  if (code < 0x10000) return put(0xe0 | code >> 12), rest(6), rest(0);
  put(0xf0 | code >> 18), rest(12), rest(6), rest(0);
}

/// The code points of UTF-8; nothing if it is not valid (RFC 3629).
std::optional<std::u32string> code_points(std::string_view text) {
  static constexpr std::array<char32_t, 4> kLeast{0, 0x80, 0x800, 0x10000};
  std::u32string codes;
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at++]);
    const std::size_t more = first < 0x80 ? 0 : first < 0xc2 ? 4 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (more == 4 || first > 0xf4 || more > text.size() - at) return std::nullopt;
    char32_t code = more == 0 ? first : first & (0x3fu >> more);
    for (std::size_t i = 0; i < more; ++i, ++at) {
      const auto byte = static_cast<unsigned char>(text[at]);
      if ((byte & 0xc0) != 0x80) return std::nullopt;
      code = code << 6 | (byte & 0x3f);
    }
    if (code < kLeast[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return std::nullopt;
    codes += code;
  }
  return codes;
}

std::u32string latin1(std::string_view bytes) {
  std::u32string codes;
  for (const char byte : bytes) codes += static_cast<unsigned char>(byte);
  return codes;
}

std::string clean(std::u32string codes) {
  if (std::ranges::all_of(codes, [](char32_t code) { return code < 0x100; })) {
    if (auto once = code_points(std::string(codes.begin(), codes.end()))) codes = std::move(*once);
  }
  std::string text;
  for (const char32_t code : codes) {
    if (text.size() + 4 > kMaxTextBytes) break;
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
      text += ' ';
    } else if (code != 0xfeff) {
      append_utf8(text, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);  // half of a pair
    }
  }
  return std::string(trimmed(text));
}

std::optional<std::string> genre_of_number(std::string_view text) {
  if (text == "RX") return "Remix";
  if (text == "CR") return "Cover";
  unsigned number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size() || number > 255) return std::nullopt;
  return TagLib::ID3v1::genre(static_cast<int>(number)).to8Bit(true);
}

}  // namespace

std::string clean_text(std::string_view bytes) {
  bytes = bytes.substr(0, 2 * kMaxTextBytes);
  for (std::size_t cut = 0; cut < std::min<std::size_t>(4, bytes.size()); ++cut) {  // within a character, perhaps
    if (cut > 0 && bytes.size() < 2 * kMaxTextBytes) break;
    if (auto codes = code_points(bytes.substr(0, bytes.size() - cut))) return clean(std::move(*codes));
  }
  return clean(latin1(bytes));
}

std::vector<std::string> clean_texts(std::string_view bytes) {
  std::vector<std::string> texts;
  for (const std::string& part : split_text(bytes, '\0'))
    if (auto text = clean_text(part); !text.empty()) texts.push_back(std::move(text));
  return texts;
}

std::vector<std::string> clean_utf16(std::string_view bytes, bool big_endian) {
  const auto byte = [&](std::size_t at) { return static_cast<char32_t>(static_cast<unsigned char>(bytes[at])); };
  std::array<std::size_t, 2> ascii{};  // for a zero in the first and in the second byte
  for (std::size_t i = 0; i < bytes.size() / 2 * 2; ++i)
    ascii[i % 2] += byte(i) == 0 && byte(i ^ 1) >= 0x20 && byte(i ^ 1) < 0x7f;
  if (ascii[0] != ascii[1] && 4 * std::ranges::max(ascii) >= bytes.size()) big_endian = ascii[0] > ascii[1];
  std::vector<std::string> texts;
  std::u32string codes;
  const auto end_text = [&] {
    if (auto text = clean(std::move(codes)); !text.empty()) texts.push_back(std::move(text));
    codes.clear();
  };
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    char32_t unit = big_endian ? byte(i) << 8 | byte(i + 1) : byte(i + 1) << 8 | byte(i);
    if (unit == 0xfffe) {  // the mark of the other order
      big_endian = !big_endian;
    } else if (unit == 0) {
      end_text();
    } else if (unit >= 0xdc00 && unit < 0xe000) {
      const bool is_pair = !codes.empty() && codes.back() >= 0xd800 && codes.back() < 0xdc00;
      if (is_pair) unit = 0x10000 + ((codes.back() - 0xd800) << 10) + (unit - 0xdc00), codes.pop_back();
      codes += is_pair ? unit : 0xfffd;
    } else {
      codes += unit;
    }
  }
  end_text();
  return texts;
}

std::string synchronised(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] != 0 || i == 0 || bytes[i - 1] != '\xff') out += bytes[i];
  return out;
}

std::optional<std::string> to_latin1(std::string_view utf8) {
  const TagLib::String text(std::string(utf8), TagLib::String::UTF8);
  return text.isLatin1() ? std::optional(text.to8Bit()) : std::nullopt;
}

std::string to_utf16(std::string_view utf8) {
  const auto bytes = TagLib::String(std::string(utf8), TagLib::String::UTF8).data(TagLib::String::UTF16LE);
  return {bytes.begin(), bytes.end()};
}

std::vector<std::string> genres_of(std::string_view value) {
  std::vector<std::string> genres;
  const auto add = [&](std::string genre) {
    if (!genre.empty() && std::ranges::find(genres, genre) == genres.end()) genres.push_back(std::move(genre));
  };
  while (value.starts_with('(') && !value.starts_with("((")) {
    const std::size_t end = value.find(')');
    const auto name = end == value.npos ? std::nullopt : genre_of_number(value.substr(1, end - 1));
    if (!name) break;
    add(*name);
    value = trimmed(value.substr(end + 1));
  }
  if (value.starts_with("((")) value.remove_prefix(1);
  const auto name = genre_of_number(value);
  add(name ? *name : std::string(value));
  return genres;
}

}  // namespace genrewise::audio
