// Temporary folders for incomplete results.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include "genrewise/base/child_process.hpp"

namespace genrewise {

/// The system's folder for temporary files ($TMPDIR, else /tmp). Throws Error, with its name, if there is no such
/// folder.
std::filesystem::path temporary_folder();

/// NAME-UID in the system's folder for temporary files, made if it does not exist. Throws Error if it is not a folder
/// of this user alone: another user may have made one of this name, to read or exchange the files.
std::filesystem::path temporary_folder_of_user(const std::string& name);

/// Removes a file, or a folder with its content. Unlike std::filesystem::remove_all, it does not end the program if
/// memory runs out. Throws Error, except for what does not exist.
void remove_tree(const std::filesystem::path& path);
void remove_tree(const std::filesystem::path& path, std::error_code& code) noexcept;

/// An empty folder (leftovers of a killed run are deleted first), locked, and removed with its content by the
/// destructor. Rename complete results out of it before.
class WorkFolder {
 public:
  /// Throws Error if it cannot be created, or another WorkFolder of that path exists, also in another process.
  explicit WorkFolder(std::filesystem::path path);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  Descriptor lock_;
};

}  // namespace genrewise
