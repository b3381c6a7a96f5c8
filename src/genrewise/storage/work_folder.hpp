// A folder for what is not complete yet.
#pragma once

#include <filesystem>

namespace genrewise {

/// New and empty, whatever a killed run left under its name; taken away with all that is in it at the end, whatever
/// happens. What is complete is renamed out of it before.
class WorkFolder {
 public:
  /// Throws Error when it cannot be made.
  explicit WorkFolder(std::filesystem::path path);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace genrewise
