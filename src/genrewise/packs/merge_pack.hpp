/// @file
/// Completes a pack whose shards were written in parts (`genrewise pack --part I/N`).
/// @code
/// const PackMerge merged = merge_pack("s3://bucket/packs/mel224", progress);
/// @endcode
#pragma once

#include <cstdint>
#include <filesystem>

#include "genrewise/base/progress.hpp"

namespace genrewise {

struct PackMerge {
  std::size_t shards = 0;    ///< 0: the pack was complete
  std::size_t examples = 0;  ///< of the pack
  std::size_t skipped = 0;   ///< examples that could not be used
  std::uint64_t bytes = 0;   ///< of all shards
};

/// Whether `folder` has a manifest, or a pack in it was begun.
bool holds_pack_parts(const std::filesystem::path& folder);

/// Writes manifest.json, the same bytes as one run without parts, from the shards' own manifests in ".pack", which it
/// removes afterwards. Memory holds the manifest of one shard at a time. Does nothing to a complete pack.
///
/// Throws Error, and writes nothing, if shards are missing (their numbers are listed) or not of one pack, or if no
/// example could be used.
PackMerge merge_pack(const std::filesystem::path& folder, Progress& progress);

}  // namespace genrewise
