// Public datasets and the demonstration music, onto this disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/progress.hpp"

namespace genrewise {

/// Something that fetch() can get.
struct Fetchable {
  std::string name;                  ///< "fma-small"
  std::string description;           ///< one line for people
  std::uint64_t download_bytes = 0;  ///< what comes over the network, about
  std::uint64_t disk_bytes = 0;      ///< what it takes while it works, archive and unpacked files together, about
  std::string default_folder;
};
const std::vector<Fetchable>& fetchables();
/// Throws Error that lists the names that there are.
const Fetchable& find_fetchable(std::string_view name);

struct FetchOptions {
  std::filesystem::path folder = {};  ///< empty: the default one, below the current folder
  std::string mirror = {};  ///< empty: FMA's own address; else the address that the archives' names are added to
  bool keep_archives = false;
};

struct FetchResult {
  std::filesystem::path dataset;  ///< what open_dataset() takes (for fma-metadata alone: its folder)
  std::vector<Fault> missing;     ///< files of the demonstration that the packages did not hold
};

/// Gets what is not there yet; started again after an interruption it goes on. FMA: downloads the archive (and the
/// metadata, without which the music has no genres), verifies the published SHA-1 and unpacks; archives are removed
/// afterwards. Demo: the packages named in its CSV, taken with `apt-get download` and unpacked without installing.
/// Throws Error, also before it starts when the disk has not enough room; Interrupted on Ctrl-C.
FetchResult fetch(std::string_view name, const FetchOptions& options, Progress& progress);

/// The CSV of the demonstration music (demo/demo.csv in the repository), as it is built into the program.
std::string_view demo_csv();

}  // namespace genrewise
