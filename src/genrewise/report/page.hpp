// Mustache templates filled with JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace genrewise {

/// The template filled with the view, with the reports' styles under the name css and their common head as the partial
/// head, which asks for program_version, name and page_title. {{name}} is escaped for HTML,
/// {{{name}}} is taken as it is; a null, false or empty section is left out. Throws Error for a template that is
/// broken.
std::string render_page(const char* page, nlohmann::json view);

/// Location of a document's "dataset", which documents of earlier versions call "place".
std::string location_of(const nlohmann::json& dataset);

/// Copy of the document in which bytes that are not UTF-8 are replaced by U+FFFD, so that no label can break a page.
nlohmann::json valid_utf8(const nlohmann::json& document);

}  // namespace genrewise
