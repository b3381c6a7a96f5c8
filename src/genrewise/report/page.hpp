// Renders Mustache templates with JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace genrewise {

/// Renders the template with the view. Adds the style sheet as `css` and the common HTML head as the partial `head`,
/// which uses program_version, name and page_title. `{{name}}` is escaped for HTML, `{{{name}}}` is not; null, false or
/// empty sections are left out. Throws Error for an invalid template.
std::string render_page(const char* page, nlohmann::json view);

/// Location of a document's "dataset", which documents of earlier versions call "place".
std::string location_of(const nlohmann::json& dataset);

/// Copy of the document in which bytes that are not UTF-8 are replaced by U+FFFD, so that no label can break a page.
nlohmann::json valid_utf8(const nlohmann::json& document);

}  // namespace genrewise
