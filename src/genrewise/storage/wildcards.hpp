// Files by wildcards.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "genrewise/storage/files.hpp"

namespace genrewise {

/// The files that `pattern` means, sorted by name. In it, * and ? stand for any characters but a
/// slash, ** for any at all, [a-z] for one of these, and a backslash takes a character as it is. A name without
/// wildcards that ends in a slash, or is a bucket or a folder of this machine, means what lies in it (not below); any
/// other one itself. Only what begins like the pattern up to its first wildcard is asked for. Throws Error.
std::vector<FileInfo> list_matching(const std::string& pattern);

/// Whether a name fits a pattern of that kind.
bool matches_wildcards(std::string_view name, std::string_view pattern);

}  // namespace genrewise
