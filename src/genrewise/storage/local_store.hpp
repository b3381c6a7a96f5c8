// The FileStore of local files. Internal to storage.
#pragma once

#include <memory>

#include "genrewise/storage/file_store.hpp"

namespace genrewise {

std::shared_ptr<FileStore> make_local_store();

/// See FileWriter. Throws Error if the temporary file cannot be created.
std::unique_ptr<FileWriter> make_local_writer(const std::string& path, WriteCondition condition);

}  // namespace genrewise
