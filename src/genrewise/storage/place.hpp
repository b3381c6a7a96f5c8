// Where files lie: a path of this machine, or an object "s3://bucket/key" or "gs://bucket/key".
#pragma once

#include <string>
#include <string_view>

namespace genrewise {

/// Whether `place` names an object store: it begins with s3:// or gs://. All else is a path of this machine.
bool is_remote(std::string_view place);

struct ObjectName {
  std::string scheme;  ///< "s3" or "gs"
  std::string bucket;
  std::string key;  ///< any bytes, also empty: the whole bucket
};

/// Takes a remote place apart. Throws Error when it names no bucket, or one that no store would allow.
ObjectName parse_place(std::string_view place);
std::string to_place(const ObjectName& name);

/// The place of that name in a folder ("s3://b/p" and "s3://b/p/" are the same folder).
std::string join_place(std::string_view folder, std::string_view name);

/// What stands behind the last slash.
std::string_view last_name(std::string_view place);

}  // namespace genrewise
