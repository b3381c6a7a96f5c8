#include "genrewise/dataset/fetch.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "genrewise/dataset/fetch_archives.hpp"
#include "genrewise/dataset/fetch_demo.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFmaAddress = "https://os.unil.cloud.switch.ch/fma/";
constexpr std::uint64_t kMiB = 1024 * 1024, kGiB = 1024 * kMiB;

/// FMA's archives and their SHA-1 sums as https://github.com/mdeff/fma publishes them.
struct FmaArchive {
  std::string_view name, folder, sha1;
};
constexpr std::array kFmaArchives{
    FmaArchive{"fma-metadata", "fma_metadata", "f0df49ffe5f2a6008d7dc83c6915b31835dfe733"},
    FmaArchive{"fma-small", "fma_small", "ade154f733639d52e35e32f5593efe5be76c6d70"},
    FmaArchive{"fma-medium", "fma_medium", "c67b69ea232021025fca9231fc1c7c1a063ab50b"},
    FmaArchive{"fma-large", "fma_large", "497109f4dd721066b5ce5e5f250ec604dc78939e"},
    FmaArchive{"fma-full", "fma_full", "0f0ace23fbe9ba30ecb7e95f763e435ea802b8ab"},
};

FolderArchive source_of(const FmaArchive& archive, const FetchOptions& options) {
  const std::string base = options.mirror.empty() ? std::string(kFmaAddress) : options.mirror;
  return {.url = fmt::format("{}{}{}.zip", base, base.ends_with('/') ? "" : "/", archive.folder),
          .folder = std::string(archive.folder),
          .checksum = {HashKind::sha1, std::string(archive.sha1)},
          .disk_bytes = find_fetchable(archive.name).disk_bytes};
}

FetchResult fetch_fma(const FmaArchive& archive, const fs::path& folder, const FetchOptions& options,
                      Progress& progress) {
  std::vector<FolderArchive> archives{source_of(kFmaArchives.front(), options)};
  if (&archive != &kFmaArchives.front()) archives.push_back(source_of(archive, options));
  fetch_archives(archives, folder, options.keep_archives, progress);
  return {.dataset = folder, .missing = {}};
}

}  // namespace

const std::vector<Fetchable>& fetchables() {
  static const std::vector<Fetchable> all{
      {"demo", "free music from Debian's games, 4 genres, to try the program", 279 * kMiB, 600 * kMiB, "data/demo"},
      {"fma-metadata", "FMA: genres, artists, official split and features of all tracks", 342 * kMiB, 1800 * kMiB,
       "data/fma"},
      {"fma-small", "FMA: 8,000 clips of 30 s, 8 balanced genres", 7373 * kMiB, 14950 * kMiB, "data/fma"},
      {"fma-medium", "FMA: 25,000 clips of 30 s, 16 genres", 22 * kGiB, 45 * kGiB, "data/fma"},
      {"fma-large", "FMA: 106,574 clips of 30 s", 93 * kGiB, 188 * kGiB, "data/fma"},
      {"fma-full", "FMA: 106,574 whole tracks", 879 * kGiB, 1770 * kGiB, "data/fma"},
  };
  return all;
}

const Fetchable& find_fetchable(std::string_view name) {
  const auto found = std::ranges::find(fetchables(), name, &Fetchable::name);
  if (found != fetchables().end()) return *found;
  std::vector<std::string> names;
  for (const Fetchable& one : fetchables()) names.push_back(one.name);
  throw Error(fmt::format("there is no dataset '{}' to fetch", name), {},
              fmt::format("choose one of {}", fmt::join(names, ", ")));
}

FetchResult fetch(std::string_view name, const FetchOptions& options, Progress& progress) {
  const Fetchable& what = find_fetchable(name);
  const fs::path folder = options.folder.empty() ? fs::path(what.default_folder) : options.folder;
  const auto archive = std::ranges::find(kFmaArchives, name, &FmaArchive::name);
  if (archive != kFmaArchives.end()) return fetch_fma(*archive, folder, options, progress);
  return fetch_demo(folder, what.disk_bytes, progress);
}

}  // namespace genrewise
