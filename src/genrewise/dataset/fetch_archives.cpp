#include "genrewise/dataset/fetch_archives.hpp"

#include <fmt/format.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/storage/archive.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/local_files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

/// Disk space that is still needed; the downloaded part of the archive does not count.
std::uint64_t missing_bytes(const FolderArchive& archive, const fs::path& zip) {
  std::uint64_t there = 0;
  for (const char* ending : {"", ".partial"}) {
    std::error_code code;
    const auto size = fs::file_size(fs::path(zip) += ending, code);
    if (!code) there += size;
  }
  return archive.disk_bytes - std::min(archive.disk_bytes, there);
}

}  // namespace

void fetch_archives(const std::vector<FolderArchive>& archives, const fs::path& into, bool keep_archives,
                    Progress& progress) {
  std::uint64_t bytes = 0;
  std::vector<const FolderArchive*> missing;
  const auto zip_of = [&](const FolderArchive& archive) { return into / (archive.folder + ".zip"); };
  for (const FolderArchive& archive : archives) {
    if (is_folder(into / archive.folder)) {
      progress.note(fmt::format("{} exists already", (into / archive.folder).string()));
    } else {
      missing.push_back(&archive);
      bytes += missing_bytes(archive, zip_of(archive));
    }
  }
  require_disk_space(into, bytes);
  make_folders(into);
  for (const FolderArchive* archive : missing) {
    const fs::path zip = zip_of(*archive);
    download({.url = archive->url, .target = zip, .checksum = archive->checksum}, progress);
    unpack_archive(zip, into, progress);
    if (!is_folder(into / archive->folder)) {
      throw Error(fmt::format("the archive does not contain the folder {}", archive->folder), zip.string(),
                  "delete the archive, then fetch it again");
    }
    if (!keep_archives) remove_path(zip);
  }
}

}  // namespace genrewise
