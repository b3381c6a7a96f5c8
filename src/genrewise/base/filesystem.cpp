#include "genrewise/base/filesystem.hpp"

#include <dirent.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

namespace genrewise {

namespace fs = std::filesystem;

bool path_exists(const fs::path& path) {
  return checked_filesystem([&] { return fs::exists(path); });
}

bool is_folder(const fs::path& path) {
  return checked_filesystem([&] { return fs::is_directory(path); });
}

bool is_file(const fs::path& path) {
  return checked_filesystem([&] { return fs::is_regular_file(path); });
}

std::uint64_t bytes_of_file(const fs::path& path) {
  return checked_filesystem([&] { return fs::file_size(path); });
}

std::vector<fs::path> entries_of(const fs::path& folder, std::error_code& code) {
  struct Closer {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  std::vector<fs::path> entries;
  const std::string within = folder.empty() ? "" : (folder / "").native();
  errno = 0;
  const std::unique_ptr<DIR, Closer> stream(::opendir(folder.empty() ? "." : folder.c_str()));
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    // Not folder / name: if memory runs out in it, libstdc++ 12 frees what it did not allocate.
    if (name != "." && name != "..") entries.emplace_back(within + entry->d_name);
    errno = 0;
  }
  code.assign(errno, std::generic_category());
  return entries;
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code code;
  auto entries = entries_of(folder, code);
  if (code) throw to_error(fs::filesystem_error("", folder, code));
  return entries;
}

void remove_path(const fs::path& file_or_empty_folder) {
  checked_filesystem([&] { fs::remove(file_or_empty_folder); });
}

void rename_path(const fs::path& from, const fs::path& to) {
  checked_filesystem([&] { fs::rename(from, to); });
}

fs::path absolute_path(const fs::path& path) {
  return checked_filesystem([&] { return fs::absolute(path); });
}

}  // namespace genrewise
