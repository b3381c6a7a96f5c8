// The FileStore of local files. Internal to storage.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "genrewise/storage/file_store.hpp"

namespace genrewise {

std::shared_ptr<FileStore> make_local_store();

/// See FileInfo::version.
std::string version_of(const struct stat& status);

/// Writes all bytes to an open file, adding to `*written` as they are written. Throws Error "cannot write" at `path`.
void write_all(int descriptor, std::string_view bytes, std::string_view path, std::uint64_t* written = nullptr);

}  // namespace genrewise
