// Published accuracies on well-known datasets, to compare with.
#pragma once

#include <nlohmann/json.hpp>

namespace genrewise {

/// Published figures of the dataset of results.json, if it is FMA small or GTZAN (recognised by kind, genres and size):
/// [{"dataset", "protocol", "method", "accuracy", "source", "this_protocol"}]; this_protocol: whether the study's split
/// is the one that the figure was measured on. Else an empty array. `document` has "dataset", "split" and "labels".
nlohmann::json published_json(const nlohmann::json& document);

}  // namespace genrewise
