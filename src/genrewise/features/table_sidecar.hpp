// "TABLE.json", which describes the feature table TABLE.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "genrewise/base/json_file.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

inline std::filesystem::path sidecar_path(const std::filesystem::path& table) {
  return table.string() + ".json";
}

/// What to do about a sidecar with values that are missing or of another type.
inline constexpr const char* kSidecarRemedy = "restore it, or delete it and the table and extract the features again";

/// The object in the sidecar; empty if there is none. Throws Error for text that is not a JSON object and for one that
/// does not fit its checksum; sidecars of earlier versions have none.
inline std::optional<nlohmann::json> read_sidecar(const std::filesystem::path& table) {
  const std::filesystem::path path = sidecar_path(table);
  if (!file_exists(path)) return std::nullopt;
  return require_sealed_json(read_file(path), path.string(), kSidecarRemedy);
}

}  // namespace genrewise
