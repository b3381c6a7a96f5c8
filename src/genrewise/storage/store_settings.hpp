// Endpoint, credentials and limits of an object store.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "genrewise/storage/credential_source.hpp"
#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

struct RetryPolicy {
  int attempts = 8;                                ///< consecutive attempts without a byte before giving up
  std::chrono::milliseconds first_wait{200};       ///< doubled each time; the actual wait is random, 50 to 100 % of it
  std::chrono::milliseconds longest_wait{20'000};  ///< also limits the server's Retry-After
  std::chrono::seconds silence{30};                ///< a transfer fails after this time without a byte
};

struct StoreSettings {
  std::string endpoint;  ///< "https://host[:port]", no path
  std::string region = "us-east-1";
  bool path_style = true;  ///< S3: bucket in the path, not in the host name
  std::shared_ptr<CredentialSource> credentials;
  RetryPolicy retry;
  int connections = 8;  ///< background transfers at a time, besides those of callers
  /// Per request. Uploads: S3 requires at least 5 MiB, Google a multiple of 256 KiB.
  std::size_t part_bytes = std::size_t{8} << 20;
  /// Downloads: intended duration of a request; fast connections request up to 4 * part_bytes at once.
  std::chrono::milliseconds request_time{100};
};

/// Finds the settings for "s3" or "gs" in `options`, environment variables and the files of the AWS command line and of
/// gcloud. Opens no connection. Throws Error if the credentials or the endpoint are invalid.
StoreSettings find_store_settings(std::string_view scheme, const StoreOptions& options);

using IniSections = std::map<std::string, std::map<std::string, std::string>>;
/// Parses the INI dialect of ~/.aws/config and pip.conf into sections and their values; skips other lines.
IniSections parse_ini(std::string_view text);

/// The first of these texts that is not empty.
std::string first_of(std::initializer_list<std::string> values);

/// A profile in ~/.aws/credentials and ~/.aws/config.
struct AwsProfile {
  /// Throws Error if the profile that `options` or AWS_PROFILE names is in neither file.
  explicit AwsProfile(const StoreOptions& options);
  std::string value(const std::string& key) const;  ///< empty if there is none

  std::string name, origin;

 private:
  std::map<std::string, std::string> values_;
};

/// Credentials of Amazon: environment, web identity, profile, container, instance.
std::shared_ptr<CredentialSource> find_aws_credentials(const AwsProfile& profile, const StoreOptions& options,
                                                       const std::string& region);
/// Application Default Credentials of Google.
std::shared_ptr<CredentialSource> find_google_credentials();
/// GENREWISE_ANONYMOUS=1: requests without credentials; else null.
std::shared_ptr<CredentialSource> find_anonymous();

}  // namespace genrewise
