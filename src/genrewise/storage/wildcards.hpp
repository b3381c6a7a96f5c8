// Lists files that match a wildcard pattern.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "genrewise/storage/files.hpp"

namespace genrewise {

/// The files that match `pattern`, sorted by name. `*` matches any characters but a slash, `?` one of them, `**` any
/// characters, `[a-z]` one of a set (`[!a-z]` none of it); a backslash escapes. A name without wildcards that ends in a
/// slash, or is a bucket or a local folder, lists the files directly in it; any other one is that file. Only names with
/// the pattern's fixed prefix are requested. Throws Error.
std::vector<FileInfo> list_matching(const std::string& pattern);

/// Whether a name matches such a pattern.
bool matches_wildcards(std::string_view name, std::string_view pattern);

}  // namespace genrewise
