#include "genrewise/features/table_sidecar.hpp"

#include "genrewise/base/json_file.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

std::filesystem::path sidecar_path(const std::filesystem::path& table) {
  return table.string() + ".json";
}

std::optional<nlohmann::json> read_sidecar(const std::filesystem::path& table) {
  const std::filesystem::path path = sidecar_path(table);
  if (!file_exists(path)) return std::nullopt;
  return require_sealed_json(read_file(path), path.string(), kSidecarRemedy);
}

std::string sidecar_text(nlohmann::json object) {
  return sealed_text(std::move(object), 1);
}

}  // namespace genrewise
