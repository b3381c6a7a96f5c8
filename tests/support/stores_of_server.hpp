// Redirects the current Runtime's object stores to a test server.
#pragma once

#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"
#include "support/gcs_server.hpp"
#include "support/s3_server.hpp"

namespace genrewise::testing {

/// Scope guard: while it exists, s3:// locations, or gs:// locations, are on `server`.
class StoresOfServer {
 public:
  explicit StoresOfServer(StoreServer& server) {
    set_store_options({.endpoint = server.endpoint(), .region = "us-east-1", .profile = {}});
  }
  ~StoresOfServer() { set_store_options({}); }
  StoresOfServer(const StoresOfServer&) = delete;
  StoresOfServer& operator=(const StoresOfServer&) = delete;

 private:
  Environment key_{"AWS_ACCESS_KEY_ID", S3Server::kAccessKey}, secret_{"AWS_SECRET_ACCESS_KEY", S3Server::kSecretKey},
      token_{"GENREWISE_GCS_TOKEN", "ya29.test"};
};

}  // namespace genrewise::testing
