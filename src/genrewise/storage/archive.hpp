// Archives (zip with any compression, deflate64 and bzip2 included), unpacked by 7-Zip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"

namespace genrewise {

struct ArchiveListing {
  std::vector<std::string> names;  ///< of files and folders, with "/"
  std::uint64_t unpacked_bytes = 0;
};

/// What an archive holds. Throws Error when 7-Zip is not installed, for a file that is no archive or a damaged one, and
/// for one with a name that would leave the folder it is unpacked to (absolute or with "..") or with links.
ArchiveListing list_archive(const std::filesystem::path& archive);

/// Unpacks into `folder`, which is made where it is missing. Its top entries appear only when all of it is unpacked and
/// its checksums (CRC) were right; till then it lies in a hidden folder beside them, which is taken away on failure.
/// Throws Error as list_archive() does, when the disk has not enough room, and when one of the top entries is there
/// already; Interrupted on Ctrl-C.
void unpack_archive(const std::filesystem::path& archive, const std::filesystem::path& folder, Progress& progress);

}  // namespace genrewise
