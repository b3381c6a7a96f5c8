// Lists of faults: counts for messages, and JSON conversion.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise {

/// Reasons with their counts, most frequent first, ties by name.
std::vector<std::pair<std::string, std::size_t>> counts_by_reason(std::span<const Fault> faults);

/// Counts by reason as text: "12 empty file, 3 not audio".
std::string counts_text(std::span<const Fault> faults);

/// An object with the keys "where", "reason" and "detail".
void to_json(nlohmann::json& json, const Fault& fault);
void from_json(const nlohmann::json& json, Fault& fault);

}  // namespace genrewise
