// Many faults at once: counted for messages, and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise {

/// Reasons with their counts, the most frequent first, then by name.
std::vector<std::pair<std::string, std::size_t>> counts_by_reason(std::span<const Fault> faults);

/// "12 empty file, 3 not audio".
std::string counts_text(std::span<const Fault> faults);

/// {"where", "reason", "detail"}; so a list of faults converts to JSON and back.
void to_json(nlohmann::json& json, const Fault& fault);
void from_json(const nlohmann::json& json, Fault& fault);

}  // namespace genrewise
