// A folder that one process works in at a time.
#pragma once

#include <filesystem>

namespace genrewise {

/// Holds the lock on a folder (flock) as long as it lives; it ends with the process, however it ends. A file system
/// that knows no locks is used without. Throws Error when another process, or another lock of this one, has it.
class FolderLock {
 public:
  FolderLock() = default;  ///< of no folder
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;

 private:
  int descriptor_ = -1;
};

}  // namespace genrewise
