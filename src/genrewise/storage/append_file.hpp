// Files of this machine that grow while others may read them, and that outlive an interruption (journals, event files).
// A store has no such thing: what grows on its way there lies at local_work_path().
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace genrewise {

/// Appends to a local file; every write is in the file when the call returns (not yet on the disk: sync() does that).
/// Throws Error with a remedy when something fails.
class AppendFile {
 public:
  /// Opens or creates the file and cuts it to its first `keep_bytes` bytes.
  explicit AppendFile(std::filesystem::path path, std::uint64_t keep_bytes = 0);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void write(std::string_view bytes);
  void sync();
  std::uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  int descriptor_ = -1;
};

}  // namespace genrewise
