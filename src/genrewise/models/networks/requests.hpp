// JSON of our own types in requests to genrewise-neural.
#pragma once

#include <nlohmann/json.hpp>

#include "genrewise/models/classifier.hpp"

namespace genrewise {

/// A FitContext without its pointers; `follow` is a member of the document, for the caller to keep.
nlohmann::json to_json(const FitContext& context);
FitContext fit_context_from(const nlohmann::json& json);

}  // namespace genrewise
