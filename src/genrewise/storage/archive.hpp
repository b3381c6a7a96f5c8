// Zip archives without compression, or compressed by deflate or bzip2 (as FMA's are).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/progress.hpp"

namespace genrewise {

struct ArchiveListing {
  std::vector<std::string> names;  ///< of files and folders, with "/"
  std::uint64_t unpacked_bytes = 0;
};

/// Lists the entries of an archive. Throws Error if the file is missing, damaged or not an archive, and if an entry is
/// a link or its name leads out of the target folder (absolute or with "..").
ArchiveListing list_archive(const std::filesystem::path& archive);

/// Unpacks into `folder`, which is created if missing. The top-level entries appear only after everything is unpacked
/// and all checksums (CRC) match; until then they are in a hidden folder beside them, which is deleted on failure.
/// Throws Error like list_archive(), and if disk space is insufficient or a top-level entry already exists; Interrupted
/// on Ctrl-C.
void unpack_archive(const std::filesystem::path& archive, const std::filesystem::path& folder, Progress& progress);

/// Contents of files by their names.
using ArchiveFiles = std::map<std::string, std::string, std::less<>>;

/// All files of an archive with these bytes. Throws Error, with `name`, if it is not an archive, is damaged (also where
/// a checksum does not match), or if its files have more than twice its bytes.
ArchiveFiles read_archive(std::string_view bytes, const std::string& name);

}  // namespace genrewise
