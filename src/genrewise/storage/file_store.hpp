// Interface of every store, and the URIs of objects. Internal to storage; other modules use files.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "genrewise/storage/files.hpp"

namespace genrewise {

/// Whether `location` is an object URI (starts with s3:// or gs://); everything else is a local path.
bool is_remote(std::string_view location);

struct ObjectName {
  std::string scheme;  ///< "s3" or "gs"
  std::string bucket;
  std::string key;  ///< any bytes; empty: the whole bucket
};

/// Throws Error for a text without a bucket or with an invalid bucket name.
ObjectName parse_uri(std::string_view uri);
std::string to_uri(const ObjectName& name);

/// Thread-safe.
class FileStore {
 public:
  virtual ~FileStore() = default;
  /// Calls `each` for all files whose location starts with `prefix` (of any length), sorted by name as bytes. Without
  /// `deep`, only files without a further slash.
  virtual void list(const std::string& prefix, bool deep, const std::function<void(FileInfo)>& each) = 0;
  /// The file at `location`, or nothing if there is none. Throws Error for all other failures (no such bucket, no
  /// permission).
  virtual std::optional<FileInfo> find(const std::string& location) = 0;
  virtual bool has_folder(const std::string& location) = 0;
  virtual Expected<std::unique_ptr<FileReader>> try_open(const std::string& location) = 0;
  virtual std::unique_ptr<FileReader> open(const FileInfo& file) = 0;
  virtual std::unique_ptr<FileWriter> create(const std::string& location, WriteOptions options = {}) = 0;
  /// `cleaning`: also works after an interrupt, with a short time limit.
  virtual void remove(const std::string& location, bool cleaning = false) = 0;
  virtual void remove_unfinished(const std::string& location) = 0;
  virtual void make_folders(const std::string& /*folder*/) {}
};

/// The stores of one Runtime: opened on first use and kept, with their connections, until the options change.
class Stores {
 public:
  void set_options(StoreOptions options);
  StoreOptions options();
  /// Throws Error if there are no credentials.
  std::shared_ptr<FileStore> of(std::string_view location);

 private:
  std::mutex mutex_;
  StoreOptions options_;
  std::map<std::string, std::shared_ptr<FileStore>, std::less<>> open_;  // by scheme; "" for local files
};

std::shared_ptr<FileStore> store_of(std::string_view location);

/// Seconds since 1970 as in FileInfo::modified; independent of the system's time zone.
std::string utc_text(std::int64_t seconds);

std::shared_ptr<FileStore> make_local_store();

/// Throws WriteConflict for a condition that does not hold.
[[noreturn]] void throw_conflict(const WriteCondition& condition, const std::string& location);

/// Writes all bytes to an open file, adding to `*written` as they are written. Throws Error "cannot write" at `path`.
void write_all(int descriptor, std::string_view bytes, std::string_view path, std::uint64_t* written = nullptr);

/// Reads any local file, including pipes and files of /proc, whose size is unknown before reading.
std::string read_local_file(const std::string& path);

}  // namespace genrewise
