// Files read whole, and written so that a half-written one is never seen. Places in object stores (s3://, gs://) are
// taken like paths.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace genrewise {

class ObjectWriter;

/// The whole file. Throws Error when it cannot be read.
std::string read_file(const std::filesystem::path& path);

/// A file that appears under its name only when commit() has succeeded: written beside its place as
/// ".<name>.<random>.tmp", flushed to disk, renamed. Destroyed without commit() it leaves nothing behind.
/// Every failure (no folder, read-only, disk full) throws Error with the final path and a remedy. In an object store it
/// is one upload, which appears when it is complete.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void commit();
  const std::filesystem::path& path() const { return path_; }

 private:
  void flush();
  std::filesystem::path path_, temporary_;
  std::string buffer_;
  int descriptor_ = -1;
  std::unique_ptr<ObjectWriter> remote_;
};

/// AtomicFile in one call.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// Makes the folder and those above it; in an object store there is nothing to make. Throws Error.
void make_folders(const std::filesystem::path& folder);

}  // namespace genrewise
