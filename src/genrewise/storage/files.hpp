/// @file
/// Module storage: one interface to local files and to objects in stores (s3://, gs://). A location is a path or a URI;
/// every function here accepts both.
/// @code{.cpp}
/// genrewise::write_file("s3://music/runs/fma/results.json", text);  // atomic: the file appears when complete
/// const auto shard = genrewise::open_file("packs/fma518-01.tfrec");  // random access, thread-safe
/// @endcode
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

/// One file cannot be read (read error, deleted, or changed while it was read); others may be fine. A failure of a
/// whole store (network, credentials) throws a plain Error.
class FileError : public Error {
 public:
  using Error::Error;
};

/// The condition of a write did not hold at commit; nothing was changed.
class WriteConflict : public Error {
 public:
  using Error::Error;
};

struct FileInfo {
  std::string location;
  std::uint64_t bytes = 0;
  /// Changes when the content changes; may be empty in a store. In stores ETag or generation; for local files
  /// modification time (file-system resolution, some milliseconds), size and inode.
  std::string version;
  std::string modified;  ///< UTC, "2026-11-25T22:15:00Z"; may be empty
};

struct ByteRange {
  std::uint64_t offset = 0, bytes = 0;
};

/// Random access to the content that a file had when it was opened. Thread-safe. A file that changes while it is read
/// gives FileError, never a mix of old and new bytes; one that is replaced as a whole stays readable locally and gives
/// FileError in a store. Must not outlive the Runtime in which it was opened.
class FileReader {
 public:
  virtual ~FileReader() = default;
  /// Location, size and version when the file was opened.
  virtual const FileInfo& info() const = 0;
  std::uint64_t size() const { return info().bytes; }
  /// Reads up to into.size() bytes from `offset` (in bytes) and returns their number, which is smaller only at the end
  /// of the file. Broken transfers are resumed. Throws FileError, Error, Interrupted.
  virtual std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const = 0;
  /// Announces ranges that will be read, each once, in about this order. A store fetches them in the background,
  /// neighbours in one request, within its memory budget. Returns immediately; read_at() reports failures.
  virtual void prefetch(std::span<const ByteRange> /*ranges*/) const {}
  /// Whether prefetch() has an effect. A reader without it holds a file descriptor of the process.
  virtual bool prefetches() const { return false; }
};

/// Reads a file from start to end; a store fetches up to 64 MiB ahead.
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

/// Condition on the existing file at a location, checked at commit.
struct WriteCondition {
  enum class Kind { none, absent, unchanged } kind = Kind::none;
  std::string version;  ///< for `unchanged`: FileInfo::version of the file to replace

  static WriteCondition absent() { return {Kind::absent, {}}; }
  static WriteCondition unchanged(std::string version) { return {Kind::unchanged, std::move(version)}; }
};

struct WriteOptions {
  std::uint64_t expected_bytes = 0;  ///< sets the part size of an upload; 0: unknown
  WriteCondition condition = {};     ///< none: replaces any existing file
};

/// Writes a new file, which appears at its location, complete, when commit() succeeds; without commit() the destructor
/// removes everything. A local file is written beside its location as `.NAME.RANDOM.tmp`, flushed to disk and renamed
/// (a new writer of that name removes what killed processes left); an object is sent with one request, or as a
/// multipart or resumable upload if it is longer than one part.
///
/// Conditions are checked atomically: locally by link() (absent) and under a lock on the replaced file (unchanged;
/// writers without a condition do not take that lock), in S3 by If-None-Match and If-Match, in Google Cloud Storage by
/// the object's generation. There write() may throw the WriteConflict already, when it begins an upload of several
/// parts.
class FileWriter {
 public:
  virtual ~FileWriter() = default;
  virtual void write(std::string_view bytes) = 0;
  /// Writes what is buffered to the disk, so that commit() only renames: for files that belong together, before the
  /// first commit(). Does nothing in a store. Throws Error.
  virtual void finish() {}
  /// Returns the version of the new file. Throws WriteConflict if the condition does not hold, and Error with a remedy
  /// otherwise (no folder, read-only, disk full, refused by the store).
  virtual std::string commit() = 0;
};

/// Information about a file, or nothing if there is none (folders, buckets and devices are not files). Throws Error for
/// other failures.
std::optional<FileInfo> find_file(const std::filesystem::path& location);
bool file_exists(const std::filesystem::path& location);
/// True for a local folder, and for a prefix in a store with at least one object.
bool folder_exists(const std::filesystem::path& location);
/// The files directly in a folder, sorted by name; empty if there is no such folder. Throws Error. This and
/// list_matching() skip what this user may not read inside of a local folder, and links to themselves, with a note.
std::vector<FileInfo> list_files(const std::filesystem::path& folder);

/// The files that match `pattern`, sorted by name. `*` matches any characters but a slash, `?` one of them, `**` any
/// characters, `[a-z]` one of a set (`[!a-z]` none of it); a backslash escapes. A name without wildcards that ends in a
/// slash, or is a bucket or a local folder, lists the files directly in it; any other one is that file. Only names with
/// the pattern's fixed prefix are requested. Throws Error.
std::vector<FileInfo> list_matching(const std::string& pattern);

/// Whether a name matches such a pattern.
bool matches_wildcards(std::string_view name, std::string_view pattern);

/// Opens a file for reading. Throws FileError if it cannot be opened, Error if its store fails.
std::unique_ptr<FileReader> open_file(const std::filesystem::path& location);
/// The same without another request to the store for the file's metadata.
std::unique_ptr<FileReader> open_file(const FileInfo& file);
/// Like open_file(), but a file that cannot be opened (missing, no permission, a folder, a pipe) gives the Fault
/// "cannot be opened". Throws Error if its store fails, or if the process has too many open files.
Expected<std::unique_ptr<FileReader>> try_open_file(const std::filesystem::path& location);

/// Starts writing a file. Throws Error if its folder is missing or not writable, or a folder, pipe or device has its
/// name.
std::unique_ptr<FileWriter> create_file(const std::filesystem::path& location, WriteOptions options = {});

/// The content of a file. Throws Error if it cannot be read.
std::string read_file(const std::filesystem::path& location);
struct FileContents {
  std::string bytes, version;
};
FileContents read_file_and_version(const std::filesystem::path& location);

/// Writes a whole file atomically, replacing an existing one. Throws Error.
void write_file(const std::filesystem::path& location, std::string_view bytes);
/// Returns false, and changes nothing, if the condition does not hold.
bool write_file_if(const WriteCondition& condition, const std::filesystem::path& location, std::string_view bytes);
/// Copies a local file to a location, with a few parts in memory.
void upload_file(const std::filesystem::path& file, const std::filesystem::path& location);

/// Removes a file if it exists. Throws Error.
void remove_file(const std::filesystem::path& location);
/// Removes leftovers of killed processes (temporary files, incomplete uploads) of this file, or of all files in a
/// folder (a location that ends in a slash). Only for the sole writer of that location.
void remove_unfinished(const std::filesystem::path& location);
/// Creates a folder and its parents; does nothing in a store. Throws Error.
void make_folders(const std::filesystem::path& folder);

/// Store options of the command line; empty fields: from environment variables and AWS files (docs/object_storage.md).
struct StoreOptions {
  std::string endpoint;  ///< "http://127.0.0.1:9000"
  std::string region;
  std::string profile;
};

/// Sets the options of the current Runtime for stores opened from now on.
void set_store_options(StoreOptions options);
StoreOptions store_options();

}  // namespace genrewise
