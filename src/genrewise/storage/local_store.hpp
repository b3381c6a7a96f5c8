// Folders of this machine as an ObjectStore.
#pragma once

#include <memory>

#include "genrewise/storage/object_store.hpp"

namespace genrewise {

std::shared_ptr<ObjectStore> make_local_store();

/// Fills the front of `into` from that offset of an open file on and returns how much; fewer only at the end. Throws
/// Error that names `path`.
std::size_t read_at_offset(int descriptor, std::uint64_t offset, std::span<std::byte> into, const std::string& path);

}  // namespace genrewise
