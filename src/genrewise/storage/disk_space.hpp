// Is there room? Asked before long work begins, not found out at its end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace genrewise {

/// "7.2 GiB".
std::string readable_size(std::uint64_t bytes);

/// Throws Error when the file system of the folder (or of the nearest one above it that there is) has less room than
/// that for us.
void require_disk_space(const std::filesystem::path& folder, std::uint64_t bytes);

}  // namespace genrewise
