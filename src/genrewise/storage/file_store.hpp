// What each kind of store implements; callers outside storage use files.hpp. Internal to storage.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "genrewise/storage/files.hpp"

namespace genrewise {

/// Safe from any thread.
class FileStore {
 public:
  virtual ~FileStore() = default;
  /// Calls `each` for all files whose location begins with `prefix` (cut anywhere), sorted by name as bytes. `deep`
  /// false: only up to the next slash; folders there are left out.
  virtual void list(const std::string& prefix, bool deep, const std::function<void(FileInfo)>& each) = 0;
  /// The file of that name; nothing when there is none. Throws Error for all else (no such bucket, no rights).
  virtual std::optional<FileInfo> find(const std::string& location) = 0;
  virtual bool has_folder(const std::string& location) = 0;
  virtual Expected<std::unique_ptr<FileReader>> try_open(const std::string& location) = 0;
  virtual std::unique_ptr<FileReader> open(const FileInfo& file) = 0;
  virtual std::unique_ptr<FileWriter> create(const std::string& location, WriteOptions options = {}) = 0;
  /// `cleaning`: also after an interruption, but not for long.
  virtual void remove(const std::string& location, bool cleaning = false) = 0;
  virtual void remove_unfinished(const std::string& location) = 0;
  virtual void make_folders(const std::string& /*folder*/) {}
};

/// The stores of one Runtime: opened when first used, kept with their connections until the options change.
class Stores {
 public:
  void set_options(StoreOptions options);
  StoreOptions options();
  /// Throws Error when there are no credentials.
  std::shared_ptr<FileStore> of(std::string_view location);

 private:
  std::mutex mutex_;
  StoreOptions options_;
  std::map<std::string, std::shared_ptr<FileStore>, std::less<>> open_;  // by scheme; "" for this machine
};

/// The store that holds `location`, of the current Runtime.
std::shared_ptr<FileStore> store_of(std::string_view location);

/// Also pipes and files of /proc, whose size is not known before they are read.
std::string read_local_file(const std::string& path);

}  // namespace genrewise
