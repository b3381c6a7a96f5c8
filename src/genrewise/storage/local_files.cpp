#include "genrewise/storage/local_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/storage/file_store.hpp"

namespace genrewise {

AppendFile::AppendFile(std::filesystem::path path, std::uint64_t keep_bytes)
    : path_(std::move(path)), size_(keep_bytes) {
  descriptor_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (descriptor_.get() < 0) throw_system_error("cannot create", path_.string());
  if (::ftruncate(descriptor_.get(), static_cast<off_t>(keep_bytes)) != 0)
    throw_system_error("cannot write", path_.string());
}

void AppendFile::write(std::string_view bytes) {
  write_all(descriptor_.get(), bytes, path_.native(), &size_);
}

void AppendFile::sync() {
  if (::fsync(descriptor_.get()) != 0 && errno != EINVAL) throw_system_error("cannot write", path_.string());
}

bool open_locked(Descriptor& descriptor, const std::filesystem::path& path, int flags, std::string_view problem) {
  for (;;) {
    descriptor.reset(::open(path.c_str(), flags | O_CLOEXEC, 0666));
    if (descriptor.get() < 0) throw_system_error(problem, path.string());
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
    // The previous holder of the lock may have removed or renamed what was opened here.
    struct stat opened {
    }, named{};
    if (::fstat(descriptor.get(), &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
        opened.st_dev == named.st_dev)
      return true;
  }
}

bool is_reachable_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

std::string readable_size(std::uint64_t bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.size()) value /= 1024, ++unit;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.{}f} {}", value, value < 10 ? 1 : 0, kUnits[unit]);
}

void require_disk_space(const std::filesystem::path& folder, std::uint64_t bytes) {
  std::filesystem::path present = absolute_path(folder);
  while (!path_exists(present) && present.has_relative_path()) present = present.parent_path();
  std::error_code code;
  const auto space = std::filesystem::space(present, code);
  if (code || space.available >= bytes) return;
  throw Error(
      fmt::format("{} are needed on this disk, {} are free", readable_size(bytes), readable_size(space.available)),
      folder.string(), "free some space or choose another folder");
}

}  // namespace genrewise
