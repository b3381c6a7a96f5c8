// What the stores of objects have in common: reading, prefetching, lists of several pages. Internal to storage.
#pragma once

#include <memory>
#include <string>

#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/object_client.hpp"
#include "genrewise/storage/object_reader.hpp"

namespace genrewise {

class ObjectStore : public FileStore, public std::enable_shared_from_this<ObjectStore> {
 public:
  explicit ObjectStore(std::unique_ptr<ObjectClient> client);

  void list(const std::string& prefix, bool deep, const std::function<void(FileInfo)>& each) override;
  bool has_folder(const std::string& location) override;
  Expected<std::unique_ptr<FileReader>> try_open(const std::string& location) override;
  std::unique_ptr<FileReader> open(const FileInfo& file) override;
  void remove(const std::string& location, bool cleaning) override;

  ObjectClient& client() { return *client_; }
  RangePrefetcher& prefetcher() { return prefetcher_; }

 protected:
  struct PageRequest {
    ObjectName prefix;
    bool deep = true;        ///< else only objects without a slash behind the prefix
    std::string token = {};  ///< of the page; empty: the first
    int most = 0;            ///< objects; 0: as many as the store gives
  };
  /// Reports the objects of a page and returns the token of the next; empty after the last.
  virtual std::string list_page(const PageRequest& request, const std::function<void(FileInfo)>& each) = 0;
  /// Throws Error for a bucket.
  static ObjectName object_at(const std::string& location);

 private:
  const std::unique_ptr<ObjectClient> client_;
  RangePrefetcher prefetcher_;
};

/// Digits as a number; 0 for other text.
std::uint64_t number_of(std::string_view text);

}  // namespace genrewise
