// Files of this machine and objects of stores (s3://, gs://) through one interface: nothing above this module asks
// where a file lies. A location is a path or a URI, and every function here takes either.
//
//   write_file("s3://music/runs/fma/results.json", text);     // appears under its name when all of it is there
//   const auto shard = open_file("packs/fma518-01.tfrec");    // read by ranges, from several threads
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise {

/// This one file cannot be read (its medium fails, it vanished, or it changed while it was read); others may be sound.
/// A store that fails as a whole (network, credentials) throws a plain Error.
class FileError : public Error {
 public:
  using Error::Error;
};

/// The condition of a write did not hold when it was to take its name; nothing was changed.
class WriteConflict : public Error {
 public:
  using Error::Error;
};

struct FileInfo {
  std::string location;
  std::uint64_t bytes = 0;
  /// What changes when the content does; may be empty in a store. An ETag; on this machine the time of change in the
  /// file system's resolution (some milliseconds), the size and the inode.
  std::string version;
  std::string modified;  ///< UTC, "2026-11-25T22:15:00Z"; may be empty
};

struct ByteRange {
  std::uint64_t offset = 0, bytes = 0;
};

/// The bytes of one file as it was when it was opened. Calls may come from several threads at once. A file that changes
/// while it is read is a FileError, never a mix of old and new; one that is replaced as a whole stays readable on this
/// machine and is a FileError in a store. Must not outlive the Runtime in which it was opened.
class FileReader {
 public:
  virtual ~FileReader() = default;
  virtual const FileInfo& info() const = 0;
  std::uint64_t size() const { return info().bytes; }
  /// Fills the front of `into` from that offset on and returns how many bytes there were; fewer than asked only at the
  /// end. A transfer that breaks continues from where it broke. Throws FileError, Error, Interrupted.
  virtual std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const = 0;
  /// Announces ranges that will be read, each once, about in this order: a store fetches them meanwhile, neighbours in
  /// one request, as far as its memory allows. Returns at once; read_at() reports what fails.
  virtual void prefetch(std::span<const ByteRange> /*ranges*/) const {}
  /// Whether prefetch() does anything. A reader for which it does not holds one of the process's file descriptors.
  virtual bool prefetches() const { return false; }
};

/// Reads a file from front to back; a store fetches up to 64 MiB ahead.
class SequentialReader {
 public:
  /// `file` must outlive it.
  explicit SequentialReader(const FileReader& file) : file_(&file) {}
  /// As FileReader::read_at(), from where the last call ended.
  std::size_t read(std::span<std::byte> into);
  std::uint64_t position() const { return position_; }

 private:
  void announce();
  const FileReader* file_;
  std::uint64_t position_ = 0, announced_ = 0;
};

/// What must hold of a location at the moment a new file takes its name.
struct WriteCondition {
  enum class Kind { none, absent, unchanged } kind = Kind::none;
  std::string version;  ///< unchanged: FileInfo::version of the file that is to be replaced

  static WriteCondition absent() { return {Kind::absent, {}}; }
  static WriteCondition unchanged(std::string version) { return {Kind::unchanged, std::move(version)}; }
};

struct WriteOptions {
  std::uint64_t expected_bytes = 0;  ///< decides the size of an upload's parts; 0: not known
  WriteCondition condition = {};     ///< none: whatever lies there is replaced
};

/// A new file, which appears under its name, whole, when commit() has succeeded; destroyed without it, it takes back
/// all that it began. On this machine it is written beside its location as ".<name>.<random>.tmp", flushed to disk and
/// renamed; in a store it is one PUT, or an upload in parts when it is longer than one part.
///
/// Conditions are checked atomically: on this machine by link() (absent) and under a lock on the file that is replaced
/// (unchanged; writers without a condition do not take that lock), in S3 by If-None-Match and If-Match, in Google Cloud
/// Storage by the object's generation, which needs an OAuth token: with an HMAC key the condition is checked before the
/// write only.
class FileWriter {
 public:
  virtual ~FileWriter() = default;
  virtual void write(std::string_view bytes) = 0;
  /// Returns the version of the new file. Throws WriteConflict when the condition does not hold, and Error with a
  /// remedy for all else (no folder, read-only, disk full, a store that refuses).
  virtual std::string commit() = 0;
};

/// The file; nothing when there is none (folders, buckets and devices are no files). Throws Error for all else.
std::optional<FileInfo> find_file(const std::filesystem::path& location);
bool file_exists(const std::filesystem::path& location);
/// A folder of this machine, or a prefix in a store under which at least one object lies.
bool folder_exists(const std::filesystem::path& location);
/// The files directly in a folder, sorted by name; none where there is no such folder. Throws Error.
std::vector<FileInfo> list_files(const std::filesystem::path& folder);

/// Throws Error when it cannot be opened.
std::unique_ptr<FileReader> open_file(const std::filesystem::path& location);
/// The same without asking the store again for what it said of the file.
std::unique_ptr<FileReader> open_file(const FileInfo& file);
/// A file that cannot be opened (missing, no rights, a folder, a pipe) is the Fault "cannot be opened"; a store that
/// fails throws Error.
Expected<std::unique_ptr<FileReader>> try_open_file(const std::filesystem::path& location);

std::unique_ptr<FileWriter> create_file(const std::filesystem::path& location, WriteOptions options = {});

/// The whole file. Throws Error when it cannot be read.
std::string read_file(const std::filesystem::path& location);
/// The same with the version of what was read, for write_file_if().
struct FileContents {
  std::string bytes, version;
};
FileContents read_file_and_version(const std::filesystem::path& location);

void write_file(const std::filesystem::path& location, std::string_view bytes);
/// False when the condition does not hold; then nothing was changed.
bool write_file_if(const WriteCondition& condition, const std::filesystem::path& location, std::string_view bytes);
/// Copies a file of this machine to a location; memory holds a few parts of it.
void upload_file(const std::filesystem::path& file, const std::filesystem::path& location,
                 const std::function<void(std::uint64_t bytes)>& on_progress = {});

/// Nothing happens when it is not there. Throws Error.
void remove_file(const std::filesystem::path& location);
/// Removes what killed processes left of this file, or of all files in a folder (a location that ends in a slash):
/// temporary files, uploads that were never completed. For whoever alone writes there.
void remove_unfinished(const std::filesystem::path& location);
/// Makes the folder and those above it; a store has no folders to make. Throws Error.
void make_folders(const std::filesystem::path& folder);

/// What a person says about stores on the command line; empty: as the environment and files say
/// (docs/object_storage.md).
struct StoreOptions {
  std::string endpoint;  ///< "http://127.0.0.1:9000"
  std::string region;
  std::string profile;
};

/// For the current Runtime: stores that are opened from now on follow these options.
void set_store_options(StoreOptions options);
StoreOptions store_options();

}  // namespace genrewise
