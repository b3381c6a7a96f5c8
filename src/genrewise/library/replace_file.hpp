// Replaces a file by a changed copy of itself, and patches that restore its old bytes. Private to this module.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/folder_lock.hpp"

namespace genrewise {

/// Whether replace_file() can replace this file, or, for a symbolic link, the file that it points to. Faults: "not
/// found", "not a regular file", "hard link", "read-only" (the file, or its folder), "immutable", "belongs to another
/// user", "too large" (above 1 GiB).
Expected<void> check_replaceable(const std::filesystem::path& path);

/// Locks a folder against other processes that replace files in it, and removes copies that killed ones left. Throws
/// Error if another process holds the lock.
FolderLock lock_for_replacing(const std::filesystem::path& folder);

/// Replaces a file atomically. `make_copy` writes the copy beside it; the copy gets the owner, mode, times, access
/// control lists and extended attributes of the original; `before_rename` is called with the bytes of both. A file that
/// a symbolic link points to is replaced, not the link. The caller holds lock_for_replacing() of the folder.
///
/// Faults: those of check_replaceable() and of both functions, "in use" (another process has it open for writing),
/// "changed since" (while the copy was made), "attributes cannot be kept", "cannot be replaced". After a fault or an
/// exception the original is as it was and the copy is removed.
Expected<void> replace_file(const std::filesystem::path& path,
                            const std::function<Expected<void>(const std::filesystem::path& original,
                                                               const std::filesystem::path& copy)>& make_copy,
                            const std::function<void(std::string_view original, std::string_view copy)>& before_rename);

/// What restores `old_bytes` when `new_bytes` are known (zstd with `new_bytes` as prefix): some bytes for each place
/// where they differ. Takes some MiB besides both texts, and the size of `old_bytes` to check that it does restore
/// them.
std::string make_patch(std::string_view old_bytes, std::string_view new_bytes);
/// Nothing if the patch is damaged.
std::optional<std::string> apply_patch(std::string_view patch, std::string_view new_bytes, std::size_t old_size);

}  // namespace genrewise
