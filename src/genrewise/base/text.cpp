#include "genrewise/base/text.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace genrewise {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

std::string_view without_byte_order_mark(std::string_view text) {
  return text.substr(text.starts_with("\xef\xbb\xbf") ? 3 : 0);
}

std::string_view first_bytes(std::string_view text, std::size_t most) {
  std::size_t end = std::min(text.size(), most);
  for (int i = 1; i < 4 && end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80; ++i)
    --end;
  return text.substr(0, end);
}

std::string short_text(std::string_view text, std::size_t most) {
  std::string out(first_bytes(text, most));
  for (char& c : out) c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return out;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string name_key(std::string_view text) {
  // Letters of U+00C0 to U+017F without accents; '*' is no letter.
  static constexpr std::string_view kLatin =
      "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo*ouuuuyty"
      "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllll"
      "nnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
  std::string key, word;
  for (std::size_t at = 0, bytes; at <= text.size(); at += bytes) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    for (bytes = 1; byte(at) >= 0xC0 && (byte(at + bytes) & 0xC0) == 0x80;) ++bytes;
    const std::string_view character = text.substr(at, bytes);
    unsigned code = bytes == 2 ? (byte(at) & 0x1F) << 6 | (byte(at + 1) & 0x3F) : byte(at);
    if (bytes == 2 && code >= 0x300 && code < 0x370) continue;  // combining accents
    if (bytes == 1 ? code < 0x80 && !std::isalnum(static_cast<int>(code))
                   : code < 0xC0 || character.starts_with("\xE2\x80")) {
      key += word == "n" && !key.empty() ? "and" : word;
      word.clear();
      if (code == '&' || code == '+') key += "and";
    } else if (bytes == 2 && code < 0x180) {
      word += kLatin[code - 0xC0];
    } else if (bytes == 2 && code >= 0x391 && code <= 0x42F) {  // capitals of Greek and Cyrillic among them
      code += code < 0x3AA || code >= 0x410 ? 0x20 : code >= 0x400 ? 0x50 : 0;
      word.append({static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))});
    } else {
      word += lower_case(character);
    }
  }
  return key.empty() ? std::string(trimmed(text)) : key;
}

std::vector<std::string> split_text(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::string environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace genrewise
