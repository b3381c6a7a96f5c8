// Text of tags, whose stated encoding is often wrong. Internal to audio.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise::audio {

/// Bytes as UTF-8: as they are if they are valid, else from Latin-1. Text whose characters, as Latin-1 bytes, are valid
/// UTF-8 ("Ã©") was converted twice and is converted back. Control characters become spaces; spaces at both ends are
/// removed; longer text is cut to kMaxTextBytes.
std::string clean_text(std::string_view bytes);
inline constexpr std::size_t kMaxTextBytes = 4096;

/// Splits at NUL; empty texts are left out.
std::vector<std::string> clean_texts(std::string_view bytes);
/// The same for UTF-16. The byte order is that of a byte order mark; else, the one in which half of it is ASCII; else
/// big-endian if `big_endian`.
std::vector<std::string> clean_utf16(std::string_view bytes, bool big_endian);

/// UTF-8 as Latin-1 (nothing if it has other characters), and as UTF-16, little-endian without byte order mark.
std::optional<std::string> to_latin1(std::string_view utf8);
std::string to_utf16(std::string_view utf8);
/// Undoes ID3v2's unsynchronisation: a zero after 0xff is left out.
std::string synchronised(std::string_view bytes);

/// Names of the genres in a value that may have the form of an ID3 genre: "17", "(17)", "(17)(18)", "(4)Eurodisco",
/// "(RX)", "CR", "((text".
std::vector<std::string> genres_of(std::string_view value);

}  // namespace genrewise::audio
