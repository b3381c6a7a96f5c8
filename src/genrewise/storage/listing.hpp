// Listing of many files without holding them all in memory.
#pragma once

#include <functional>
#include <string>

#include "genrewise/storage/files.hpp"

namespace genrewise {

/// Calls `each` for the files of list_matching(pattern), in its order, while the store lists them.
void for_each_matching(const std::string& pattern, const std::function<void(FileInfo)>& each);

/// Calls `each` for all files below a prefix of an object store or a local folder, at any depth, sorted by name as
/// bytes.
void for_each_below(const std::filesystem::path& folder, const std::function<void(FileInfo)>& each);

}  // namespace genrewise
