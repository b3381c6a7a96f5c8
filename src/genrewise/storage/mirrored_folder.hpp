// Folders that grow file by file, and are kept in a store: run folders.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "genrewise/storage/folder_lock.hpp"

namespace genrewise {

/// A folder to work in. One in a store is locked and copied to this machine; changes are copied back once a minute, by
/// synchronise() and by the destructor, so that work which is killed continues from there on any machine. Only this
/// process may write to the folder. Local folders are used as they are, without a lock.
class MirroredFolder {
 public:
  /// Throws Error if another process works in the folder, or if it cannot be copied.
  explicit MirroredFolder(std::filesystem::path folder);
  ~MirroredFolder();
  MirroredFolder(const MirroredFolder&) = delete;
  MirroredFolder& operator=(const MirroredFolder&) = delete;

  /// On this machine; does not exist if the folder has no files.
  const std::filesystem::path& path() const { return path_; }
  /// Copies what has changed to the store. Call at the end of the work: the destructor reports failures as notes only.
  /// Throws Error.
  void synchronise();

 private:
  void fetch();
  void find_files(const std::filesystem::path& folder, std::map<std::string, std::string>& versions) const;

  const std::filesystem::path folder_;
  std::filesystem::path path_;
  FolderLock lock_;
  std::mutex mutex_;
  std::map<std::string, std::string> stored_;  ///< name in the folder -> version of the local file
  std::jthread thread_;
};

}  // namespace genrewise
