// What identifies the bytes of a clip: whether numbers that were computed from it are still its numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "genrewise/dataset/dataset.hpp"

namespace genrewise {

/// All that decides a clip's numbers besides the recipe, as far as it can be known without reading the audio. The
/// folder is not part of it, so that a dataset may move.
struct ClipIdentity {
  std::string id;           ///< of the track
  std::string file_name;    ///< without folders
  std::int64_t bytes = -1;  ///< of the file; -1: it cannot be seen
  bool readable = true;     ///< so that what was skipped for want of rights is tried again once they are given
  std::int64_t changed_s = 0, changed_ns = 0;  ///< time of change; 0 in an object store
  std::string version = {};                    ///< in an object store: the ETag
  ClipRequest clip = {};

  /// 32 hexadecimal digits that change when the file was changed or another clip is asked for: the key of rows that are
  /// kept while and after they are computed.
  std::string key() const;
  /// The same facts without the track's id, the time of change and rights: equal for copies of the file, so that a pack
  /// of the same music made elsewhere has the same fingerprint.
  std::string portable_text() const;
};

/// Of all tracks, in their order. Files in object stores are found with as few requests as there are: those of a folder
/// by listing it. Throws Error where a store fails.
std::vector<ClipIdentity> clip_identities(const Dataset& dataset);

}  // namespace genrewise
