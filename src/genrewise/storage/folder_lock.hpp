// A folder that one process works in at a time.
#pragma once

#include <filesystem>
#include <memory>

namespace genrewise {

/// Holds the lock on a folder as long as it lives. Throws Error when another process, or another lock of this one, has
/// it.
///
/// On this machine the lock is flock() on the folder, which must be there; it ends with the process, however it ends. A
/// file system that knows no locks is used without.
///
/// In a store it is the object "<folder>/.lock", written on condition that it is absent, together with flock() on a
/// work folder of this machine. What a killed process left is taken over on the same machine, where flock() shows that
/// nobody holds it any more; another machine cannot know, and the message names the machine and the object to delete.
class FolderLock {
 public:
  FolderLock();  ///< of no folder
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;

 private:
  struct Held;
  std::unique_ptr<Held> held_;
};

}  // namespace genrewise
