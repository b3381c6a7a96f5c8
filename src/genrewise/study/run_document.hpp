// JSON documents of a run folder: text format and versions, and what they state of models.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/study/study.hpp"

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

nlohmann::json to_json(const ModelSpec& spec);
/// `labels`: genre names. A model that could not be fitted has only its names and "error".
nlohmann::json to_json(const ModelResult& result, const std::vector<std::string>& labels);
/// Reads a document of to_json(). Throws nlohmann::json::exception for any other document.
ModelResult model_result_from_json(const nlohmann::json& document);

}  // namespace genrewise
