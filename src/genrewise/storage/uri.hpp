// URIs of objects: "s3://bucket/key", "gs://bucket/key". Internal to storage.
#pragma once

#include <string>
#include <string_view>

namespace genrewise {

/// Whether `location` is an object URI (starts with s3:// or gs://); everything else is a local path.
bool is_remote(std::string_view location);

struct ObjectName {
  std::string scheme;  ///< "s3" or "gs"
  std::string bucket;
  std::string key;  ///< any bytes; empty: the whole bucket
};

/// Throws Error for a text without a bucket or with an invalid bucket name.
ObjectName parse_uri(std::string_view uri);
std::string to_uri(const ObjectName& name);

}  // namespace genrewise
