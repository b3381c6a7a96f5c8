// A small S3 server: keeps objects in memory, checks every signature and checksum, and can simulate failures.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "genrewise/storage/store_settings.hpp"
#include "support/store_server.hpp"

namespace genrewise::testing {

using S3Request = StoreRequest;
using S3Response = StoreResponse;

class S3Server final : public StoreServer {
 public:
  static constexpr char kAccessKey[] = "AKIDTESTTESTTEST";
  static constexpr char kSecretKey[] = "sEcReT/of+the=tests";

  ~S3Server() override { stop(); }

  /// Settings for this server, with short waits.
  StoreSettings settings();

  void put(const std::string& key, const std::string& body);           ///< of the bucket "music"
  void put_unlocked(const std::string& key, const std::string& body);  ///< from inside `tamper`
  std::string get(const std::string& key);
  bool has(const std::string& key);
  std::vector<std::string> keys();
  std::size_t unfinished_uploads();

  Guarded<std::size_t> page_size{mutex_, 1000};
  Guarded<std::string> session_token{mutex_, ""};  ///< required if not empty

 private:
  struct Object {
    std::string body, etag;
  };
  struct Upload {
    std::string key;
    std::map<int, Object> parts;
  };

  S3Response handle(const S3Request& request) override;
  std::optional<S3Response> refuse(const S3Request& request) override;
  S3Response get_object(const S3Request& request);
  S3Response put_object(const S3Request& request);
  bool refuses_write(const S3Request& request, S3Response& why) const;
  S3Response post(const S3Request& request);
  S3Response list(const S3Request& request);
  std::string refusal(const S3Request& request) const;

  std::map<std::string, Object> objects_;
  std::map<std::string, Upload> uploads_;
  int next_upload_ = 0;
};

}  // namespace genrewise::testing
