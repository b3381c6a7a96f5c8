// Identity of a clip's bytes: determines whether features that were computed from it are still valid.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "genrewise/dataset/dataset.hpp"

namespace genrewise {

/// Everything besides the recipe that determines a clip's features, as far as it is available without reading the
/// audio. The folder is not part of it, so a dataset may be moved.
struct ClipIdentity {
  std::string id;           ///< of the track
  std::string file_name;    ///< without folders
  std::int64_t bytes = -1;  ///< size of the file; -1: not found
  bool readable = true;  ///< so that a file that was skipped for missing permissions is retried once they are granted
  std::int64_t changed_s = 0, changed_ns = 0;  ///< modification time; 0 in an object store
  std::string version = {};                    ///< ETag in an object store; else empty
  ClipRequest clip = {};

  /// 32 hexadecimal digits that change with the file and with the requested clip: the key of stored feature rows.
  std::string key() const;
  /// The same without track id, modification time and permissions: equal for copies of the file, so that packs of the
  /// same music made on different machines have the same fingerprint.
  std::string portable_text() const;
};

/// One per track, in the dataset's order. Files in object stores are found with few requests: folders with many of them
/// are listed. Throws Error if a store fails.
std::vector<ClipIdentity> clip_identities(const Dataset& dataset);

}  // namespace genrewise
