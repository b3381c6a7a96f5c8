// The JSON documents in a run's folder: their text and their versions.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace genrewise {

/// Of config.json, models/*.json, results.json and tuning.json: raised when a name goes or changes its meaning.
inline constexpr int kRunFormatVersion = 1;

/// The text of a file that holds the document; bytes that are no UTF-8 become U+FFFD.
std::string document_text(const nlohmann::json& document);

/// Throws Error for a document of a newer version; one without a version is of the first.
void require_known_version(const nlohmann::json& document, const std::string& where);

/// Throws Error unless it is a document of that "format", in a version that this program knows, with these names.
/// `where` stands in errors.
void require_document(const nlohmann::json& document, std::string_view format, std::initializer_list<const char*> names,
                      const std::string& where);

}  // namespace genrewise
