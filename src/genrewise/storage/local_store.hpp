// The FileStore of local files. Internal to storage.
#pragma once

#include <memory>
#include <string>

#include "genrewise/storage/file_store.hpp"

namespace genrewise {

std::shared_ptr<FileStore> make_local_store();

/// Whether a file name is that of a temporary file of local writers, ".NAME.NUMBER.tmp"; an empty `name` stands for
/// any.
bool is_temporary_name(const std::string& file_name, const std::string& name);

/// See FileWriter. Throws Error if the temporary file cannot be created.
std::unique_ptr<FileWriter> make_local_writer(const std::string& path, WriteCondition condition);

}  // namespace genrewise
