/// @file
/// Renders the documents of runs as HTML pages.
/// @code
/// const std::string page = render_report(parse_json(read_file(path), path));
/// @endcode
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace genrewise {

/// Renders results.json as one self-contained HTML page: the document, styles and scripts of web/ inline, no request to
/// anywhere. Texts of the document are shown as text. Throws Error for a document of another format or a newer version,
/// and for a value that is missing or of another type.
std::string render_report(const nlohmann::json& document);

/// The same for the document of tuning.json.
std::string render_tuning_report(const nlohmann::json& document);

}  // namespace genrewise
