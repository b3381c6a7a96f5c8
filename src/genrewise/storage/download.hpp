// Downloads of large files over HTTP(S), with resume, retries and verification.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "genrewise/base/addresses.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/progress.hpp"

namespace genrewise {

struct Checksum {
  HashKind kind = HashKind::sha256;
  std::string hex;  ///< lower case
};

struct DownloadRequest {
  std::string url;               ///< http:// or https://
  std::filesystem::path target;  ///< file to write; its folder must exist
  std::optional<Checksum> checksum;
  int attempts = 6;                             ///< consecutive attempts without a byte before giving up
  std::chrono::milliseconds first_wait{1'000};  ///< delay before the second attempt; doubled each time
};

/// Downloads the file. Received bytes are kept in `TARGET.partial` until the file is complete and verified, so a broken
/// or interrupted download resumes, also in a later call. `TARGET.partial.tag` holds the version on the server (ETag or
/// Last-Modified); another version restarts the download. An existing target is verified and downloaded again if its
/// checksum is wrong. Broken connections and status 408, 429 and 5xx are retried. Throws Error for any other error
/// status, too little disk space for the announced length, a wrong checksum after a fresh download, and a target that
/// another process is downloading; Interrupted on Ctrl-C.
void download(const DownloadRequest& request, Progress& progress);

}  // namespace genrewise
