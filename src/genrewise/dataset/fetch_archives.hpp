// For fetch.cpp: datasets that are published as archives of one folder each.
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
  std::string folder;  ///< the one in the archive
  Checksum checksum;
  std::uint64_t disk_bytes = 0;  ///< for the archive and its unpacked files
};

/// Downloads, verifies and unpacks the archives whose folder is not in `into` yet. Throws Error before the download if
/// disk space is insufficient for all of them.
void fetch_archives(const std::vector<FolderArchive>& archives, const std::filesystem::path& into, bool keep_archives,
                    Progress& progress);

}  // namespace genrewise
