// JSON documents of a run folder: text format and versions.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "genrewise/base/error.hpp"

namespace genrewise {

/// Version of config.json, models/*.json, results.json and tuning.json; incremented if a key is removed or changes its
/// meaning.
inline constexpr int kRunFormatVersion = 1;

/// Text of a file with the document and its checksum (see sealed_text()); bytes that are not UTF-8 become U+FFFD.
std::string document_text(const nlohmann::json& document);

/// A document was written by a newer version.
class NewerVersion : public Error {
 public:
  using Error::Error;
};

/// Throws NewerVersion for a document of a newer version, Error for a version that is not an integer; a document
/// without a version has version 1.
void require_known_version(const nlohmann::json& document, const std::string& where);

/// Throws Error, with `where`, unless the document has this "format", a supported version and these keys.
void require_document(const nlohmann::json& document, std::string_view format, std::initializer_list<const char*> names,
                      const std::string& where);

}  // namespace genrewise
