// Where an S3-compatible store is, and who we are there.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "genrewise/storage/files.hpp"
#include "genrewise/storage/uri.hpp"

namespace genrewise {

struct S3Credentials {
  std::string access_key, secret_key, session_token;
  std::string bearer_token;  ///< OAuth (GCS); instead of keys
  std::string origin;        ///< "the environment", "profile x in ~/.aws/credentials": for messages
  bool anonymous = false;
};

struct RetryPolicy {
  int attempts = 8;                                ///< in a row that bring no byte, before it gives up
  std::chrono::milliseconds first_wait{200};       ///< doubled each time; the real wait is random between half and all
  std::chrono::milliseconds longest_wait{20'000};  ///< also for what a server asks by Retry-After
  std::chrono::seconds silence{30};                ///< a transfer that brings nothing for so long is broken off
};

struct S3Settings {
  std::string scheme = "s3";
  std::string endpoint;  ///< "https://host[:port]", no path
  std::string region = "us-east-1";
  bool path_style = true;  ///< the bucket in the path, not in the host's name
  S3Credentials credentials;
  RetryPolicy retry;
  int connections = 8;                            ///< most transfers at once, besides those of the callers' threads
  std::size_t part_bytes = std::size_t{8} << 20;  ///< of one request; S3 allows no less than 5 MiB for uploads
  /// Downloads: where so long a request brings more than part_bytes, more is asked for at once, up to four times as
  /// much.
  std::chrono::milliseconds request_time{100};
};

/// The settings for "s3" or "gs", from `options`, the environment and the files of the AWS command line. Throws Error
/// when there are no credentials, and for an endpoint that is no address.
S3Settings find_s3_settings(std::string_view scheme, const StoreOptions& options);

/// Sections and their values of the INI dialect of ~/.aws/config; lines that are neither are passed over.
std::map<std::string, std::map<std::string, std::string>> parse_profiles(std::string_view text);

}  // namespace genrewise
