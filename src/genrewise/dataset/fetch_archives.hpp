// For fetch.cpp: datasets that come as archives with one folder in each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/storage/download.hpp"

namespace genrewise {

struct FolderArchive {
  std::string url;
  std::string folder;  ///< the one that the archive holds
  Checksum checksum;
  std::uint64_t disk_bytes = 0;  ///< of the archive and what it unpacks to
};

/// Downloads, verifies and unpacks those whose folder is not in `into` yet. Throws Error before it starts when the disk
/// has not enough room for all of them.
void fetch_archives(const std::vector<FolderArchive>& archives, const std::filesystem::path& into, bool keep_archives,
                    Progress& progress);

}  // namespace genrewise
