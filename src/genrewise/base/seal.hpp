// Checksums that a file contains about itself.
#pragma once

#include <string>
#include <string_view>

namespace genrewise {

/// State of the checksum in a file: `absent` in files of versions that wrote none.
enum class Seal { sound, absent, broken };

/// The value of the member "sha256" before seal(): 64 zeros.
std::string open_seal();

/// Replaces the zeros of the first member `"sha256": "000..."` of a JSON text (or of a file with a JSON header) by the
/// SHA-256 of all its bytes, computed with the zeros in place. Throws Error if there is no such member.
void seal(std::string& bytes);

/// Whether `bytes` are as seal() left them; `digits` is the value of their member "sha256", empty if there is none.
Seal seal_of(std::string_view bytes, std::string_view digits);

}  // namespace genrewise
