// Large files over HTTP(S): resumed, retried, verified.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "genrewise/base/hash.hpp"
#include "genrewise/base/progress.hpp"

namespace genrewise {

struct Checksum {
  HashKind kind = HashKind::sha256;
  std::string hex;  ///< lower case
};

struct DownloadRequest {
  std::string url;               ///< http:// or https://
  std::filesystem::path target;  ///< its folder exists
  std::optional<Checksum> checksum;
  int attempts = 6;                             ///< in a row that bring no byte, before it gives up
  std::chrono::milliseconds first_wait{1'000};  ///< before the second attempt; doubled each time
};

/// Gets the file. What has arrived lies in "<target>.partial" until it is whole and verified, so that a broken or
/// interrupted download goes on where it was, also in a later call; "<target>.partial.tag" remembers the server's
/// version of the file (ETag or Last-Modified), and another version on the server starts it anew. A target that is
/// there already is verified, and got again when its checksum is wrong. Cut connections and the answers 408, 429 and
/// 5xx are retried. Throws Error for other answers, when the disk has no room for the length that the server names, for
/// a checksum that is wrong on a fresh download, and when another process is downloading the same target; Interrupted
/// on Ctrl-C.
void download(const DownloadRequest& request, Progress& progress);

}  // namespace genrewise
