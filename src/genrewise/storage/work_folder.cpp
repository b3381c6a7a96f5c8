#include "genrewise/storage/work_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/local_files.hpp"

namespace genrewise {

std::filesystem::path temporary_folder() {
  std::error_code code;
  std::filesystem::path folder = std::filesystem::temp_directory_path(code);
  if (!code) return folder;
  const char* given = std::getenv("TMPDIR");
  throw Error(fmt::format("the folder for temporary files cannot be used ({})", code.message()),
              given != nullptr ? fmt::format("TMPDIR={}", given) : "/tmp",
              "create it, or set TMPDIR to an existing folder");
}

std::filesystem::path temporary_folder_of_user(const std::string& name) {
  const std::filesystem::path folder = temporary_folder() / fmt::format("{}-{}", name, ::getuid());
  struct stat status {};
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    throw_system_error("cannot make the folder", folder.string());
  if (::lstat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != ::getuid() ||
      (status.st_mode & 0077) != 0)
    throw Error("is not a folder of this user alone", folder.string(), "remove it, or set TMPDIR to another folder");
  return folder;
}

void remove_tree(const std::filesystem::path& path, std::error_code& code) noexcept {
  constexpr int kOpenFolders = 8;
  const auto remove = [](const char* name, const struct stat*, int, FTW*) {
    return ::remove(name) == 0 || errno == ENOENT ? 0 : errno;
  };
  const int failed = ::nftw(path.c_str(), remove, kOpenFolders, FTW_DEPTH | FTW_PHYS);
  const int reason = failed < 0 ? errno : failed;
  code.assign(reason == ENOENT ? 0 : reason, std::generic_category());
}

void remove_tree(const std::filesystem::path& path) {
  std::error_code code;
  remove_tree(path, code);
  if (code) throw to_error(std::filesystem::filesystem_error("", path, code));
}

WorkFolder::WorkFolder(std::filesystem::path path) : path_(std::move(path)) {
  make_folders(path_);
  // Not through a link: what it leads to is not ours to delete.
  if (!open_locked(lock_, path_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, "cannot open the folder"))
    throw Error("another run works in this folder", path_.string(), "wait for it, then run the same command again");
  for (const auto& left : entries_of(path_)) remove_tree(left);
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  remove_tree(path_, ignored);
}

}  // namespace genrewise
