// Operations on the text of locations: local paths and object URIs (s3://bucket/key, gs://bucket/key).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "genrewise/base/error.hpp"

namespace genrewise {

/// The location of `name` in a folder ("s3://b/p" and "s3://b/p/" are the same folder).
std::string join_location(std::string_view folder, std::string_view name);

/// The part behind the last slash.
std::string_view last_name(std::string_view location);

/// Encodes all bytes but letters, digits and "-._~" as %XX (RFC 3986), slashes too unless they are kept.
std::string percent_encoded(std::string_view text, bool keep_slashes);
/// Decodes each %XX of a URI; other bytes stay as they are.
std::string percent_decoded(std::string_view text);

/// Resolves a location relative to `folder`; URIs and absolute paths stay as they are. Paths are normalised; URIs are
/// not, because "a//b" and "a/b" differ in a store.
std::filesystem::path resolve_location(const std::filesystem::path& folder, std::string_view location);

/// Makes a path absolute and normalised; leaves URIs as they are.
std::filesystem::path absolute_location(const std::filesystem::path& location);
/// The same with symbolic links resolved, so each file has one name.
std::filesystem::path canonical_location(const std::filesystem::path& location);

/// Checks, without opening it, that a location is a regular file. Faults: "missing file" (detail "does not exist") and
/// "cannot be opened" ("is a folder", "is not a regular file", "is not accessible: Permission denied"). Objects in
/// stores are assumed to exist: a request for each would take as long as reading it.
Expected<void> check_file(const std::filesystem::path& location);

/// A local path for unfinished work on `location` (journals, incomplete files): the location itself if it is a path,
/// else a folder under $XDG_CACHE_HOME, ~/.cache or the system's temporary folder (not created). The same location
/// always gives the same path, so interrupted work continues there.
std::filesystem::path local_work_path(const std::filesystem::path& location);

}  // namespace genrewise
