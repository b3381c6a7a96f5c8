// URIs of objects: "s3://bucket/key", "gs://bucket/key". Internal to storage.
#pragma once

#include <string>
#include <string_view>

namespace genrewise {

/// Whether `location` is the URI of an object: it begins with s3:// or gs://. All else is a path of this machine.
bool is_remote(std::string_view location);

struct ObjectName {
  std::string scheme;  ///< "s3" or "gs"
  std::string bucket;
  std::string key;  ///< any bytes, also empty: the whole bucket
};

/// Throws Error for what names no bucket, or one that no store would allow.
ObjectName parse_uri(std::string_view uri);
std::string to_uri(const ObjectName& name);

}  // namespace genrewise
