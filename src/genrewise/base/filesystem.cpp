#include "genrewise/base/filesystem.hpp"

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

std::vector<fs::directory_entry> entries_of(const fs::path& folder) {
  return checked_filesystem([&] {
    const fs::directory_iterator entries(folder.empty() ? "." : folder);
    return std::vector<fs::directory_entry>(begin(entries), end(entries));
  });
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
