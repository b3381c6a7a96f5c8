// Temporary folders for incomplete results.
#pragma once

#include <filesystem>

namespace genrewise {

/// The system's folder for temporary files ($TMPDIR, else /tmp). Throws Error, with its name, if there is no such
/// folder.
std::filesystem::path temporary_folder();

/// A new, empty folder (leftovers of a killed run are deleted first), removed with its content by the destructor.
/// Rename complete results out of it before.
class WorkFolder {
 public:
  /// Throws Error if it cannot be created.
  explicit WorkFolder(std::filesystem::path path);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace genrewise
