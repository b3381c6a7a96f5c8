// JSON that was read from files, and checksums that a file contains about itself.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "genrewise/base/error.hpp"

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

/// Parses the text of a file. Throws Error, with `where` and `remedy`, for text that is not JSON (states line and
/// column) or nests deeper than 100 levels. Takes at most some 30 times the memory of the text.
nlohmann::json parse_json(std::string_view text, const std::string& where, const std::string& remedy = {});
/// The same, but where that throws the result is discarded (nlohmann::json::is_discarded()).
nlohmann::json try_parse_json(std::string_view text);

/// Text of an object with a member "sha256" over the whole text, indented by `indent` blanks (-1: one line); bytes that
/// are not UTF-8 become U+FFFD.
std::string sealed_text(nlohmann::json object, int indent = -1);

struct SealedJson {
  nlohmann::json value;  ///< an object, without its member "sha256"
  Seal seal = Seal::absent;
};
/// As parse_json(), for the text of sealed_text(); does not throw for a broken seal.
SealedJson parse_sealed_json(std::string_view text, const std::string& where, const std::string& remedy = {});
/// The same, but throws Error for a broken seal.
nlohmann::json require_sealed_json(std::string_view text, const std::string& where, const std::string& remedy = {});

/// What is wrong with a value, as text without the library's prefix.
std::string problem_of(const nlohmann::json::exception& error);

/// The result of `read`, which takes values out of JSON of the file `where`. A value that is missing or has another
/// type than expected gives Error.
template <class Read>
auto read_json(const std::string& where, const std::string& remedy, Read&& read) {
  try {
    return std::forward<Read>(read)();
  } catch (const nlohmann::json::exception& error) {
    throw Error("a value is missing or of another type than expected: " + problem_of(error), where, remedy);
  }
}

}  // namespace genrewise
