// Versions of local files. Internal to storage.
#pragma once

#include <sys/stat.h>

#include <string>

namespace genrewise {

/// See FileInfo::version.
std::string version_of(const struct stat& status);

}  // namespace genrewise
