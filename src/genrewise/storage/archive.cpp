#include "genrewise/storage/archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/local_files.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

std::string seven_zip() {
  for (const char* name : {"7z", "7zz", "7za"}) {
    if (!find_program(name).empty()) return name;
  }
  throw Error("7-Zip is needed to unpack archives and was not found", "7z",
              "install it: apt-get install p7zip-full (or 7zip)");
}

[[noreturn]] void throw_archive_error(const fs::path& archive, const std::string& problem) {
  throw Error(problem, archive.string(), "the archive is damaged or not the expected one: download it again");
}

/// The error text of 7-Zip on one line.
std::string seven_zip_error(const std::string& output) {
  const std::size_t start = output.find("ERROR");
  if (start == std::string::npos) return "7-Zip gives no reason";
  std::string text = output.substr(start, 200);
  std::ranges::replace(text, '\n', ' ');
  return text;
}

bool leaves_its_folder(const fs::path& name) {
  return name.is_absolute() || name.empty() || std::ranges::find(name, fs::path("..")) != name.end();
}

void check_tree(const fs::path& archive, const fs::path& folder) {
  for (const fs::path& entry : entries_of(folder)) {
    if (checked_filesystem([&] { return fs::is_symlink(entry); }))
      throw_archive_error(archive, fmt::format("contains a link ({})", entry.filename().string()));
    if (is_folder(entry)) check_tree(archive, entry);
  }
}

/// The last percentage in output of 7-Zip ("\b\b 12% 340 - name"); 0 if there is none.
std::uint64_t last_percentage(std::string_view output) {
  const std::size_t sign = output.rfind('%');
  if (sign == std::string_view::npos) return 0;
  output = output.substr(0, sign);
  output.remove_prefix(output.find_last_not_of("0123456789") + 1);
  std::uint64_t percent = 0;
  std::from_chars(output.data(), output.data() + output.size(), percent);
  return std::min<std::uint64_t>(percent, 100);
}

}  // namespace

ArchiveListing list_archive(const fs::path& archive) {
  if (!is_file(archive)) throw Error("no such file", archive.string(), "check the path");
  std::string output;
  // -slt: "Path = ...", "Size = ..." lines per entry, after a line of dashes; -spd: no wildcards in the name.
  const int code = run_process({seven_zip(), "l", "-slt", "-spd", "--", absolute_path(archive).string()}, {},
                               [&](std::string_view piece) { output += piece; });
  if (code != 0)
    throw_archive_error(archive, fmt::format("is not an archive that 7-Zip can read ({})", seven_zip_error(output)));
  ArchiveListing listing;
  std::string_view rest = output;
  rest.remove_prefix(std::min(rest.find("\n----------\n"), rest.size()));
  for (const std::string& line : split_text(rest, '\n')) {
    if (line.starts_with("Path = ")) {
      listing.names.push_back(line.substr(7));
      if (leaves_its_folder(listing.names.back())) {
        throw_archive_error(archive,
                            fmt::format("contains the name '{}', which leads out of its folder", listing.names.back()));
      }
    } else if (line.starts_with("Size = ")) {
      std::uint64_t size = 0;
      parse_number(std::string_view(line).substr(7), size);
      listing.unpacked_bytes += size;
    } else if (line.starts_with("Symbolic Link = ") && line.size() > 16) {
      throw_archive_error(archive,
                          fmt::format("contains a link ({})", listing.names.empty() ? "" : listing.names.back()));
    }
  }
  return listing;
}

void unpack_archive(const fs::path& archive, const fs::path& folder, Progress& progress) {
  const ArchiveListing listing = list_archive(archive);
  make_folders(folder);
  std::set<fs::path> tops;
  for (const std::string& name : listing.names) tops.insert(*fs::path(name).begin());
  for (const fs::path& top : tops) {
    if (path_exists(folder / top)) {
      throw Error("already exists", (folder / top).string(), "delete or rename it, then unpack the archive again");
    }
  }
  require_disk_space(folder, listing.unpacked_bytes);
  const WorkFolder work(folder / fmt::format(".{}.unpacking", archive.filename().string()));
  std::string output;
  std::uint64_t reported = 0;
  progress.begin("unpack", "bytes", listing.unpacked_bytes);
  const int code = run_process({seven_zip(), "x", "-y", "-bsp1", "-spd", "--", absolute_path(archive).string()},
                               work.path(), [&](std::string_view piece) {
                                 output += piece;
                                 const std::uint64_t done = listing.unpacked_bytes / 100 * last_percentage(piece);
                                 if (done > reported) progress.advance(done - reported), reported = done;
                               });
  progress.finish();
  if (code != 0) throw_archive_error(archive, fmt::format("cannot be unpacked ({})", seven_zip_error(output)));
  check_tree(archive, work.path());
  for (const fs::path& top : tops) {
    std::error_code failed;
    fs::rename(work.path() / top, folder / top, failed);
    if (failed) {
      throw Error("cannot be created (" + failed.message() + ")", (folder / top).string(),
                  "check the permissions of the folder");
    }
  }
}

}  // namespace genrewise
