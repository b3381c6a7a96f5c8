// "TABLE.json", which describes the feature table TABLE.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace genrewise {

std::filesystem::path sidecar_path(const std::filesystem::path& table);

/// What to do about a sidecar with values that are missing or of another type.
inline constexpr const char* kSidecarRemedy = "restore it, or delete it and the table and extract the features again";

/// The object in the sidecar; empty if there is none. Throws Error for text that is not a JSON object and for one that
/// does not fit its checksum; sidecars of earlier versions have none.
std::optional<nlohmann::json> read_sidecar(const std::filesystem::path& table);

/// The text of a sidecar, with its checksum; bytes that are not UTF-8 become U+FFFD.
std::string sidecar_text(nlohmann::json object);

}  // namespace genrewise
