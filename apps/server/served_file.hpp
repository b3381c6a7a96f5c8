// A file that may be sent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "genrewise/base/child_process.hpp"

namespace genrewise::server {

/// A regular file that was opened for reading. Thread-safe.
class ServedFile {
 public:
  /// `roots`: folders (or files) that it must lie in after all links are resolved, canonical; empty: anywhere. The
  /// check is made on the file that was opened, so that it cannot be exchanged in between. Throws HttpError 404 for a
  /// file that is missing or no regular one, and 403 for one outside.
  explicit ServedFile(const std::filesystem::path& path, std::span<const std::filesystem::path> roots = {});

  std::uint64_t size() const { return size_; }
  /// Of its inode, size and modification time.
  const std::string& tag() const { return tag_; }
  /// 0 at the end, and if the file became shorter.
  std::size_t read(std::uint64_t offset, std::span<char> into) const;

 private:
  Descriptor descriptor_;
  std::uint64_t size_ = 0;
  std::string tag_;
};

/// Of audio, by the extension; "application/octet-stream" for all others.
std::string audio_type(const std::filesystem::path& name);

/// Paths without links; those that do not exist are left out.
std::vector<std::filesystem::path> canonical_paths(std::span<const std::filesystem::path> paths);

}  // namespace genrewise::server
