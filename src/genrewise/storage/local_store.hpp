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

/// Whether a file name is that of a temporary file of local writers, ".NAME.NUMBER.tmp"; an empty `name` stands for
/// any.
bool is_temporary_name(const std::string& file_name, const std::string& name);

/// See FileWriter. Throws Error if the temporary file cannot be created.
std::unique_ptr<FileWriter> make_local_writer(const std::string& path, WriteCondition condition);

}  // namespace genrewise
