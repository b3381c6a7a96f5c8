// A study as a page.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace genrewise {

/// One HTML page that needs nothing beside it (styles and pictures inside, no scripts), out of the document of
/// results.json. Every text of the document is escaped.
std::string render_report(const nlohmann::json& results);

/// The same for the document of tuning.json.
std::string render_tuning_report(const nlohmann::json& results);

}  // namespace genrewise
