// A test without the caller's settings of object stores.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "genrewise/storage/store_settings.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {

/// An environment without settings of object stores and with its own home folder; both are restored at the end.
class StoreEnvironmentTest : public ::testing::Test {
 protected:
  StoreEnvironmentTest() {
    for (const char* name : kNames) {
      if (const char* value = std::getenv(name)) before_.emplace_back(name, value);
      ::unsetenv(name);
    }
    ::setenv("HOME", folder_.path().c_str(), 1);
    make_folders(folder_ / ".aws");
  }
  ~StoreEnvironmentTest() override {
    for (const char* name : kNames) ::unsetenv(name);
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }

  std::string error(std::string_view scheme, const StoreOptions& options = {}) {
    return error_message([&] { find_store_settings(scheme, options).credentials->get(); });
  }

  TemporaryFolder folder_;

 private:
  static constexpr const char* kNames[] = {"HOME",
                                           "AWS_ACCESS_KEY_ID",
                                           "AWS_SECRET_ACCESS_KEY",
                                           "AWS_SESSION_TOKEN",
                                           "AWS_PROFILE",
                                           "AWS_DEFAULT_PROFILE",
                                           "AWS_REGION",
                                           "AWS_DEFAULT_REGION",
                                           "AWS_ENDPOINT_URL",
                                           "AWS_ENDPOINT_URL_S3",
                                           "AWS_SHARED_CREDENTIALS_FILE",
                                           "AWS_CONFIG_FILE",
                                           "GENREWISE_GCS_TOKEN",
                                           "GENREWISE_GCS_ENDPOINT",
                                           "GENREWISE_ANONYMOUS",
                                           "GENREWISE_CONNECTIONS",
                                           "GENREWISE_S3_ADDRESSING",
                                           "GOOGLE_OAUTH_ACCESS_TOKEN",
                                           "CLOUDSDK_AUTH_ACCESS_TOKEN",
                                           "AWS_ENDPOINT_URL_STS",
                                           "AWS_WEB_IDENTITY_TOKEN_FILE",
                                           "AWS_ROLE_ARN",
                                           "AWS_ROLE_SESSION_NAME",
                                           "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                           "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                           "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                           "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                                           "AWS_EC2_METADATA_DISABLED",
                                           "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                           "GOOGLE_APPLICATION_CREDENTIALS",
                                           "CLOUDSDK_CONFIG",
                                           "GCE_METADATA_HOST",
                                           "GCE_METADATA_ROOT",
                                           "GOOGLE_CLOUD_QUOTA_PROJECT",
                                           "STORAGE_EMULATOR_HOST"};
  std::vector<std::pair<std::string, std::string>> before_;
};

}  // namespace genrewise::testing
