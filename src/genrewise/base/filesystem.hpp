// std::filesystem with Error instead of filesystem_error. The libraries use these functions, or those of
// std::filesystem with an error code (the test walls.NoCallOfStdFilesystemThrowsItsOwnErrors checks it).
#pragma once

#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise {

/// The paths of the failed call, the system's message and a remedy.
Error to_error(const std::filesystem::filesystem_error& error);

/// The result of `call`, which uses std::filesystem; throws Error instead of filesystem_error.
template <class Call>
auto checked_filesystem(Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (const std::filesystem::filesystem_error& error) {
    throw to_error(error);
  }
}

/// False for what does not exist; throw Error where that cannot be found out (no permission, read error).
bool path_exists(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);
bool is_file(const std::filesystem::path& path);
/// The other functions throw Error for what does not exist, except for removals.
std::uint64_t bytes_of_file(const std::filesystem::path& path);
/// FOLDER/NAME for everything in a folder, in no order. Unlike directory_iterator, which ends the program, it throws
/// std::bad_alloc if memory runs out.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder, std::error_code& code);
void remove_path(const std::filesystem::path& file_or_empty_folder);
void rename_path(const std::filesystem::path& from, const std::filesystem::path& to);
/// Throws Error for a relative path if the current folder was removed.
std::filesystem::path absolute_path(const std::filesystem::path& path);

}  // namespace genrewise
