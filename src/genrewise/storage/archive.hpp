// Zip archives without compression, or compressed by deflate or bzip2 (as FMA's are).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "genrewise/base/progress.hpp"

namespace genrewise {

/// Unpacks into `folder`, which is created if missing. The top-level entries appear only after everything is unpacked
/// and all checksums (CRC) match; until then they are in a hidden folder beside them, which is deleted on failure.
/// Throws Error if the archive is missing, damaged or not an archive, if an entry is a link or its name leads out of
/// the folder (absolute or with ".."), if a top-level entry already exists or another process unpacks this archive
/// there, and if disk space is insufficient; Interrupted on Ctrl-C.
void unpack_archive(const std::filesystem::path& archive, const std::filesystem::path& folder, Progress& progress);

/// Contents of files by their names.
using ArchiveFiles = std::map<std::string, std::string, std::less<>>;

/// All files of an archive with these bytes. Throws Error, with `name`, if it is not an archive, is damaged (also where
/// a checksum does not match), or if its files have more than twice its bytes.
ArchiveFiles read_archive(std::string_view bytes, const std::string& name);

}  // namespace genrewise
