// Listing of many files without holding them all in memory.
#pragma once

#include <functional>
#include <string>

#include "genrewise/storage/files.hpp"

namespace genrewise {

/// Calls `each` for the files of list_matching(pattern), in its order, while the store lists them.
void for_each_matching(const std::string& pattern, const std::function<void(FileInfo)>& each);

/// Calls `each` for all files whose location starts with `prefix` (of any length), sorted by name as bytes. Without
/// `deep`, only those without a further slash.
void for_each_with_prefix(const std::string& prefix, bool deep, const std::function<void(FileInfo)>& each);

}  // namespace genrewise
