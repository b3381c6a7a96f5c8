// Endpoint, credentials and limits of an S3-compatible store.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

struct S3Credentials {
  std::string access_key, secret_key, session_token;
  std::string bearer_token;  ///< OAuth (GCS); instead of keys
  std::string origin;        ///< "the environment", "profile x in ~/.aws/credentials": for messages
  bool anonymous = false;
};

struct RetryPolicy {
  int attempts = 8;                                ///< consecutive attempts without a byte before giving up
  std::chrono::milliseconds first_wait{200};       ///< doubled each time; the actual wait is random, 50 to 100 % of it
  std::chrono::milliseconds longest_wait{20'000};  ///< also limits the server's Retry-After
  std::chrono::seconds silence{30};                ///< a transfer fails after this time without a byte
};

struct S3Settings {
  std::string scheme = "s3";
  std::string endpoint;  ///< "https://host[:port]", no path
  std::string region = "us-east-1";
  bool path_style = true;  ///< bucket in the path, not in the host name
  S3Credentials credentials;
  RetryPolicy retry;
  int connections = 8;                            ///< background transfers at a time, besides those of callers
  std::size_t part_bytes = std::size_t{8} << 20;  ///< per request; S3 requires at least 5 MiB for uploads
  /// Downloads: intended duration of a request; fast connections request up to 4 * part_bytes at once.
  std::chrono::milliseconds request_time{100};
};

/// Finds the settings for "s3" or "gs" in `options`, environment variables and the files of the AWS command line.
/// Throws Error if there are no credentials or the endpoint is not a valid address.
S3Settings find_s3_settings(std::string_view scheme, const StoreOptions& options);

using IniSections = std::map<std::string, std::map<std::string, std::string>>;
/// Parses the INI dialect of ~/.aws/config and pip.conf into sections and their values; skips other lines.
IniSections parse_ini(std::string_view text);

}  // namespace genrewise
