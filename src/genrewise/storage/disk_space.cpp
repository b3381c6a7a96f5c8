#include "genrewise/storage/disk_space.hpp"

#include <fmt/format.h>

#include <array>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"

namespace genrewise {

std::string readable_size(std::uint64_t bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.size()) value /= 1024, ++unit;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.{}f} {}", value, value < 10 ? 1 : 0, kUnits[unit]);
}

void require_disk_space(const std::filesystem::path& folder, std::uint64_t bytes) {
  std::filesystem::path present = absolute_path(folder);
  while (!path_exists(present) && present.has_relative_path()) present = present.parent_path();
  std::error_code code;
  const auto space = std::filesystem::space(present, code);
  if (code || space.available >= bytes) return;
  throw Error(
      fmt::format("{} are needed on this disk, {} are free", readable_size(bytes), readable_size(space.available)),
      folder.string(), "free some space or choose another folder");
}

}  // namespace genrewise
