// A small server with the JSON API of Google Cloud Storage: keeps objects of the bucket "music" in memory, implements
// resumable uploads, generations and their preconditions as documented, and can simulate failures.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "genrewise/storage/store_settings.hpp"
#include "support/store_server.hpp"

namespace genrewise::testing {

class GcsServer final : public StoreServer {
 public:
  ~GcsServer() override { stop(); }

  /// Settings for this server with the token "ya29.test", with short waits.
  StoreSettings settings();

  void put(const std::string& key, const std::string& body);
  void put_unlocked(const std::string& key, const std::string& body);  ///< from inside `tamper`
  std::string get(const std::string& key);
  bool has(const std::string& key);
  std::size_t unfinished_uploads();
  /// Forgets all but the first bytes of unfinished uploads; from inside `tamper`.
  void shorten_uploads_unlocked(std::size_t bytes);

  Guarded<std::string> token{mutex_, "ya29.test"};  ///< required; empty: none is
  Guarded<std::size_t> page_size{mutex_, 1000};
  Guarded<std::size_t> most_per_request{mutex_, ~std::size_t{0}};  ///< bytes that are kept of one part

 private:
  struct Object {
    std::string body;
    long generation = 0;
  };
  struct Upload {
    std::string key, condition, body;
  };

  StoreResponse handle(const StoreRequest& request) override;
  std::optional<StoreResponse> refuse(const StoreRequest& request) override;
  StoreResponse list(const StoreRequest& request) const;
  StoreResponse get_object(const StoreRequest& request, const std::string& key) const;
  StoreResponse begin(const StoreRequest& request);
  StoreResponse resume(const StoreRequest& request, const std::string& id);
  StoreResponse store(const std::string& key, const std::string& condition, std::string body);
  std::string describe(const std::string& key, const Object& object) const;

  std::map<std::string, Object> objects_;
  std::map<std::string, Upload> uploads_;
  std::map<std::string, std::string> ended_;  // uploads: key of the object
  long next_generation_ = 1'700'000'000'000'000;
  int next_upload_ = 0;
};

}  // namespace genrewise::testing
