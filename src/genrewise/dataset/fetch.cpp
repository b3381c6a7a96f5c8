#include "genrewise/dataset/fetch.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/archive.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/local_files.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFmaAddress = "https://os.unil.cloud.switch.ch/fma/";
constexpr std::uint64_t kMiB = 1024 * 1024, kGiB = 1024 * kMiB;

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

FolderArchive source_of(const Fetchable& what, const FetchOptions& options) {
  const std::string base = options.mirror.empty() ? std::string(kFmaAddress) : options.mirror;
  std::string folder = what.name;
  std::ranges::replace(folder, '-', '_');
  return {.url = fmt::format("{}{}{}.zip", base, base.ends_with('/') ? "" : "/", folder),
          .folder = folder,
          .checksum = {HashKind::sha1, what.sha1},
          .disk_bytes = what.disk_bytes};
}

FetchResult fetch_fma(const Fetchable& what, const fs::path& folder, const FetchOptions& options, Progress& progress) {
  std::vector<FolderArchive> archives{source_of(find_fetchable("fma-metadata"), options)};
  if (what.name != "fma-metadata") archives.push_back(source_of(what, options));
  fetch_archives(archives, folder, options.keep_archives, progress);
  return {.dataset = folder, .missing = {}};
}

/// Files that the demonstration uses of each package, relative to the demo folder.
std::map<std::string, std::set<std::string>> files_by_package() {
  CsvReader reader(demo_csv(), "demo.csv");
  std::vector<std::string_view> fields;
  reader.next(fields);
  const auto path = std::ranges::find(fields, "path") - fields.begin();
  const auto package = std::ranges::find(fields, "package") - fields.begin();
  std::map<std::string, std::set<std::string>> files;
  while (reader.next(fields)) {
    files[std::string(fields[static_cast<std::size_t>(package)])].emplace(fields[static_cast<std::size_t>(path)]);
  }
  return files;
}

void require_package_manager() {
  for (const char* program : {"apt-get", "dpkg-deb"}) {
    if (!find_program(program).empty()) continue;
    throw Error(fmt::format("the demonstration music comes from Debian packages, and '{}' is not installed", program),
                {}, "run this on Debian or Ubuntu, or use your own dataset");
  }
}

void run(const std::vector<std::string>& command, const fs::path& folder, const std::string& remedy) {
  std::string output;
  if (run_process(command, folder, [&](std::string_view piece) { output += piece; }) == 0) return;
  const std::size_t error = output.find("E: ");  // apt's error message, without its other output
  std::string reason = error == std::string::npos ? output : output.substr(error + 3);
  reason = short_text(reason.substr(0, reason.find('\n')));
  throw Error(fmt::format("{} failed: {}", fmt::join(command, " "), reason), folder.string(), remedy);
}

fs::path only_deb_in(const fs::path& folder) {
  for (const auto& entry : entries_of(folder)) {
    if (entry.extension() == ".deb") return absolute_path(entry);
  }
  throw Error("apt-get has downloaded no package", folder.string(), "run apt-get update (as root), then try again");
}

/// Extracts the files of one package; its folder appears once it is complete.
void fetch_package(const std::string& package, const std::set<std::string>& files, const fs::path& folder) {
  const WorkFolder work(folder / ".package");
  const fs::path unpacked = work.path() / "unpacked", ready = work.path() / "ready";
  make_folders(ready);
  run({"apt-get", "-q", "download", package}, work.path(),
      "run apt-get update (as root), check the network, then try again");
  run({"dpkg-deb", "-x", only_deb_in(work.path()).string(), "unpacked"}, work.path(),
      "try again: the package is damaged");
  for (const std::string& file : files) {
    const fs::path inside = fs::path(file).lexically_relative(package);
    if (!path_exists(unpacked / inside)) continue;  // another version of the package; reported at the end
    make_folders((ready / inside).parent_path());
    rename_path(unpacked / inside, ready / inside);
  }
  const fs::path copyright = unpacked / "usr/share/doc" / package / "copyright";
  if (path_exists(copyright)) write_file(ready / "copyright", read_file(copyright));
  rename_path(ready, folder / package);
}

/// Each package becomes a folder of its name with the files that the CSV lists and the copyright file; the folder
/// appears once it is complete. disk_bytes: peak disk space of all packages together.
FetchResult fetch_demo(const fs::path& folder, std::uint64_t disk_bytes, Progress& progress) {
  const auto files = files_by_package();
  std::vector<std::string> missing;
  for (const auto& [package, names] : files) {
    if (!is_folder(folder / package)) missing.push_back(package);
  }
  if (!missing.empty()) {
    require_package_manager();
    require_disk_space(folder, disk_bytes * missing.size() / files.size());
  }
  make_folders(folder);
  progress.begin("packages", "packages", files.size(), files.size() - missing.size());
  for (const std::string& package : missing) {
    fetch_package(package, files.at(package), folder);
    progress.advance();
  }
  progress.finish();
  write_file(folder / "demo.csv", demo_csv());
  FetchResult result{.dataset = folder / "demo.csv", .missing = {}};
  for (const auto& [package, names] : files) {
    for (const std::string& name : names) {
      if (path_exists(folder / name)) continue;
      result.missing.push_back({"not in the package", (folder / name).string(),
                                fmt::format("the installed release's version of {} has no such file; delete the "
                                            "package's folder to download it again",
                                            package)});
    }
  }
  return result;
}

}  // namespace

const std::vector<Fetchable>& fetchables() {
  // With the SHA-1 sums that https://github.com/mdeff/fma publishes.
  static const std::vector<Fetchable> all{
      {"demo", "free music from Debian's games, 4 genres, to try the program", 279 * kMiB, 600 * kMiB, "data/demo"},
      {"fma-metadata", "FMA: genres, artists, official split and features of all tracks", 342 * kMiB, 1800 * kMiB,
       "data/fma", "f0df49ffe5f2a6008d7dc83c6915b31835dfe733"},
      {"fma-small", "FMA: 8,000 clips of 30 s, 8 balanced genres", 7373 * kMiB, 14950 * kMiB, "data/fma",
       "ade154f733639d52e35e32f5593efe5be76c6d70"},
      {"fma-medium", "FMA: 25,000 clips of 30 s, 16 genres", 22 * kGiB, 45 * kGiB, "data/fma",
       "c67b69ea232021025fca9231fc1c7c1a063ab50b"},
      {"fma-large", "FMA: 106,574 clips of 30 s", 93 * kGiB, 188 * kGiB, "data/fma",
       "497109f4dd721066b5ce5e5f250ec604dc78939e"},
      {"fma-full", "FMA: 106,574 whole tracks", 879 * kGiB, 1770 * kGiB, "data/fma",
       "0f0ace23fbe9ba30ecb7e95f763e435ea802b8ab"},
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

FetchResult fetch(std::string_view name, const FetchOptions& options, Progress& progress) {
  const Fetchable& what = find_fetchable(name);
  const fs::path folder = options.folder.empty() ? fs::path(what.default_folder) : options.folder;
  if (!what.sha1.empty()) return fetch_fma(what, folder, options, progress);
  return fetch_demo(folder, what.disk_bytes, progress);
}

}  // namespace genrewise
