// Disk-space checks, made before long work starts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace genrewise {

/// A size in binary units: "7.2 GiB".
std::string readable_size(std::uint64_t bytes);

/// Throws Error if fewer than `bytes` bytes are available on the file system of `folder` (or of its nearest existing
/// parent).
void require_disk_space(const std::filesystem::path& folder, std::uint64_t bytes);

}  // namespace genrewise
