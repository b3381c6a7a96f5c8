// Locations as names: paths of this machine and URIs of objects (s3://bucket/key, gs://bucket/key).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace genrewise {

/// The location of that name in a folder ("s3://b/p" and "s3://b/p/" are the same folder).
std::string join_location(std::string_view folder, std::string_view name);

/// What stands behind the last slash.
std::string_view last_name(std::string_view location);

/// The location as seen from a folder: URIs and absolute paths as they are, others in the folder. Paths are normalised;
/// URIs are not, for "a//b" is not "a/b" in a store.
std::filesystem::path resolve_location(const std::filesystem::path& folder, std::string_view location);

/// As seen from the root: paths absolute and normalised, URIs as they are.
std::filesystem::path absolute_location(const std::filesystem::path& location);
/// The same with symbolic links followed, so that one file has one name.
std::filesystem::path canonical_location(const std::filesystem::path& location);

/// Whether it is known at no cost that there is no such file. An object in a store is taken to be there: asking for
/// each would take as long as reading it.
bool plainly_missing(const std::filesystem::path& location);

/// Throws Error unless the location lies on this machine, for work that needs a file system there (folders that are
/// searched, other programs). `what`: "a folder of genres", which is said to be needed here; `remedy` as in Error.
void require_local(const std::filesystem::path& location, std::string_view what, std::string_view remedy);

/// A path of this machine for work on its way to `location` (journals, unfinished files): the location itself where it
/// is a path, else one under $XDG_CACHE_HOME, ~/.cache or the system's temporary folder (not made), the same for the
/// same location, so that interrupted work continues there.
std::filesystem::path local_work_path(const std::filesystem::path& location);

}  // namespace genrewise
