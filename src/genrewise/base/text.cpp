#include "genrewise/base/text.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

namespace genrewise {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

namespace {

/// Code point of the character at the start of the text and its bytes; invalid bytes are themselves.
std::pair<unsigned, std::size_t> first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  if (byte(0) >= 0xC2 && byte(0) < 0xE0 && continues(1)) return {(byte(0) & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (byte(0) >> 4 == 0xE && continues(1) && continues(2))
    return {(byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {byte(0), 1};
}

// Letters of U+00C0 to U+017F without accents; '*' is no letter.
constexpr std::string_view kLatin =
    "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo*ouuuuyty"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllll"
    "nnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(kLatin.size() == 0x180 - 0xC0);

}  // namespace

std::string name_key(std::string_view text) {
  std::string key, word;
  const auto end_word = [&] {
    key += word == "n" && !key.empty() ? "and" : word;
    word.clear();
  };
  for (std::string_view rest = text; !rest.empty();) {
    const auto [code, bytes] = first_character(rest);
    const std::string_view character = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    const bool punctuation = code < 0x80
                                 ? !std::isalnum(static_cast<int>(code))
                                 : bytes > 1 && (code < 0xC0 || (code >= 0x2000 && code < 0x2070) || code == 0x3000);
    if (code >= 0x300 && code < 0x370) continue;  // combining accents
    if (punctuation) {
      end_word();
      if (code == '&' || code == '+') key += "and";
    } else if (code < 0x80) {
      word += lower_case(character);
    } else if (code >= 0xC0 && code < 0x180 && bytes > 1) {
      word += kLatin[code - 0xC0];
    } else {
      const bool capital = (code >= 0x391 && code <= 0x3A9) || (code >= 0x410 && code <= 0x42F);
      const unsigned small = capital ? code + 0x20 : code >= 0x400 && code <= 0x40F ? code + 0x50 : code;
      if (small == code)
        word += character;
      else
        word.append({static_cast<char>(0xC0 | small >> 6), static_cast<char>(0x80 | (small & 0x3F))});
    }
  }
  end_word();
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
