// Descriptors of classifiers as JSON and as Markdown tables for the documentation.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "genrewise/models/classifier.hpp"

namespace genrewise {

/// {"name", "type", "default", "help", "allowed", "choices", "least", "most", "least_open", "most_open", "alias",
/// "candidates", "simpler"}; a missing bound or alias is null.
nlohmann::json to_json(const ParameterDescriptor& parameter);

/// {"kind", "title", "summary", "parameters": [...], "searches": {NAME: [AXIS, ...]}, "presets": [{"name", "title",
/// "parameters", "axes", "in_study"}], "capabilities": {...}}.
nlohmann::json to_json(const ClassifierDescriptor& classifier);

/// The table of docs/models.md: a row for each classifier, with its parameters and their defaults.
std::string classifiers_markdown();

}  // namespace genrewise
