#include "genrewise/dataset/fetch_demo.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/storage/disk_space.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/process.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

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
  reason.resize(std::min({reason.size(), reason.find('\n'), std::size_t{300}}));
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

}  // namespace

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

}  // namespace genrewise
