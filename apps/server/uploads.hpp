// Audio that clients sent, on disk for a while.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "genrewise/storage/folder_lock.hpp"
#include "http.hpp"

namespace genrewise::server {

struct UploadLimits {
  std::uint64_t bytes = std::uint64_t{512} << 20;    ///< of one file
  std::uint64_t all_bytes = std::uint64_t{2} << 30;  ///< of all that are kept, and of all that are being received
  std::size_t kept = 64;
  double kept_s = 1800;
  int at_once = 16;  ///< being received
};

/// A file that was received; removed with the last reference.
struct Upload {
  std::string id, name;  ///< name: as the client states it
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  std::vector<float> features;  ///< of the predictor, once it was predicted; under Uploads' lock
  std::shared_ptr<std::atomic<std::uint64_t>> on_disk;  ///< counts its bytes until it is removed
  ~Upload();
};

/// Thread-safe. Files are in a folder of this process alone, readable by this user alone, which is removed at its end;
/// one that a killed process left is removed when the next server of this user starts.
class Uploads {
 public:
  /// Throws Error if there can be no such folder.
  explicit Uploads(const UploadLimits& limits);
  ~Uploads();
  Uploads(const Uploads&) = delete;
  Uploads& operator=(const Uploads&) = delete;

  /// Stores the body as it arrives. Throws HttpError 413 (too large), 429 (too many at once), 400 and 408 of the body,
  /// and 503 where it cannot be stored.
  std::shared_ptr<Upload> receive(const HttpRequest& request);
  /// Throws HttpError 404.
  std::shared_ptr<Upload> find(const std::string& id);
  void set_features(Upload& upload, std::vector<float> features);
  std::vector<float> features(const Upload& upload) const;
  std::pair<std::size_t, std::uint64_t> stored() const;  ///< number and bytes
  /// A path in the folder, for a file that the caller writes and removes.
  std::filesystem::path scratch(const std::string& extension);

 private:
  void make_room();  // under the lock

  const UploadLimits limits_;
  std::filesystem::path folder_;
  FolderLock lock_;
  mutable std::mutex mutex_;
  struct Kept {
    std::shared_ptr<Upload> upload;
    std::int64_t until_s;
  };
  std::list<Kept> kept_;  // oldest first
  std::atomic<int> receiving_ = 0;
  std::atomic<std::uint64_t> receiving_bytes_ = 0;
  /// Of all files, also those that are not kept any more but that a job or request still holds.
  std::shared_ptr<std::atomic<std::uint64_t>> on_disk_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};

/// 128 random bits as digits.
std::string random_id();

}  // namespace genrewise::server
