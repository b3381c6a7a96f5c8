// Exclusive locks on folders.
#pragma once

#include <filesystem>
#include <memory>

namespace genrewise {

/// Scope guard that holds an exclusive lock on a folder. The constructor throws Error if another process, or another
/// FolderLock of this process, holds it.
///
/// For a local folder, which must exist, the lock is flock() on it and ends with the process in any case. File systems
/// without locks are used unlocked.
///
/// In a store the lock is the object `FOLDER/.lock`, written on the condition that it is absent, plus flock() on a
/// local work folder. A lock left by a killed process is taken over on the same machine, where flock() shows that it is
/// free; other machines cannot detect that, and the error names the machine and the object to delete.
class FolderLock {
 public:
  FolderLock() = default;  ///< holds no lock
  explicit FolderLock(const std::filesystem::path& folder);
  FolderLock(FolderLock&&) noexcept = default;
  FolderLock& operator=(FolderLock&&) noexcept = default;

 private:
  struct Held;
  std::shared_ptr<Held> held_;
};

/// Whether another FolderLock on the folder exists, also in another process. Writes nothing; a lock in a store that a
/// killed process of this machine left does not count. Throws Error if that cannot be found out.
bool is_locked(const std::filesystem::path& folder);

}  // namespace genrewise
