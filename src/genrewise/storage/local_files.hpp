// Files on this machine that grow, and disk space.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "genrewise/base/child_process.hpp"

namespace genrewise {

/// Appends to a local file that may be read while it grows and survives an interrupt (journals, event files). Object
/// stores cannot append: files on their way to a store grow at local_work_path(). When write() returns, the bytes are
/// in the file but not necessarily on disk (see sync()). Failures throw Error with a remedy.
class AppendFile {
 public:
  /// Opens or creates the file and truncates it to its first `keep_bytes` bytes.
  explicit AppendFile(std::filesystem::path path, std::uint64_t keep_bytes = 0);

  void write(std::string_view bytes);
  void sync();
  std::uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  Descriptor descriptor_;
};

/// Opens a file or folder with these flags of open() and locks it (flock()); the lock ends with `descriptor`. False if
/// it is locked already, by another process or by this one. File systems without locks are used unlocked. Throws Error
/// `problem` if it cannot be opened.
bool open_locked(Descriptor& descriptor, const std::filesystem::path& path, int flags, std::string_view problem);

/// Whether there is a file that may be missing: false also where that cannot be found out (no permission).
bool is_reachable_file(const std::filesystem::path& path);

/// A size in binary units: "7.2 GiB".
std::string readable_size(std::uint64_t bytes);

/// Throws Error if fewer than `bytes` bytes are available on the file system of `folder` (or of its nearest existing
/// parent).
void require_disk_space(const std::filesystem::path& folder, std::uint64_t bytes);

}  // namespace genrewise
