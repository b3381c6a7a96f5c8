// Downloads public datasets and the demonstration music.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/progress.hpp"
#include "genrewise/storage/download.hpp"

namespace genrewise {

/// A dataset that fetch() can download.
struct Fetchable {
  std::string name;                  ///< "fma-small"
  std::string description;           ///< one line, for listings
  std::uint64_t download_bytes = 0;  ///< approximate size of the download
  std::uint64_t disk_bytes = 0;      ///< approximate peak disk space, archive and unpacked files together
  std::string default_folder;
  std::string sha1 = {};  ///< of FMA's archive; empty for what is no archive
};
const std::vector<Fetchable>& fetchables();
/// Throws Error that lists the available names.
const Fetchable& find_fetchable(std::string_view name);

struct FetchOptions {
  std::filesystem::path folder = {};  ///< empty: the default, below the current folder
  std::string mirror = {};            ///< empty: FMA's own server; else the URL that the archive names are appended to
  bool keep_archives = false;
};

struct FetchResult {
  std::filesystem::path dataset;  ///< location for open_dataset() (for fma-metadata: its folder)
  std::vector<Fault> missing;     ///< demonstration files that the packages do not contain
};

/// Downloads what is missing; continues after an interruption. FMA: downloads the archive (and the metadata, which
/// contains the genres), verifies the published SHA-1, unpacks and removes the archives. Demo: downloads the packages
/// named in its CSV with `apt-get download` and unpacks them without installing. Throws Error, before the download if
/// disk space is insufficient; Interrupted on Ctrl-C.
FetchResult fetch(std::string_view name, const FetchOptions& options, Progress& progress);

/// A dataset that is published as an archive of one folder.
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

/// The CSV of the demonstration music (demo/demo.csv in the repository), which is compiled in.
std::string_view demo_csv();

}  // namespace genrewise
