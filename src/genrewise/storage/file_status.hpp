// What the file system says of a file. Internal to storage.
#pragma once

#include <sys/stat.h>

#include <string>

namespace genrewise {

/// See FileInfo::version.
std::string version_of(const struct stat& status);

}  // namespace genrewise
