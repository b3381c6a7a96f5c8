/// @file
/// Merges the parts of a feature table (`genrewise extract --part I/N`) into one table.
/// @code
/// const MergeResult merged = merge_tables("features.npy", progress);
/// @endcode
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/features/feature_set.hpp"

namespace genrewise {

struct MergeResult {
  std::size_t parts = 0;    ///< 0: they were merged before
  std::size_t rows = 0;     ///< rows of a table, examples of a pack
  std::size_t skipped = 0;  ///< clips that could not be used
  std::uint64_t bytes = 0;  ///< of the table, or of all shards
};

/// Writes `output` and "OUTPUT.json" from the parts in "OUTPUT.parts": the same bytes as one run without parts. Copies
/// them piece by piece, in a few MiB of memory for any number of rows; compares every part with its checksum. Removes
/// the parts afterwards unless they are kept. If that was done before, only reports what is there.
///
/// Throws Error, and writes nothing, if parts are missing (their numbers are listed), damaged, or not of one job, and
/// if no clip could be used.
MergeResult merge_tables(const std::filesystem::path& output, bool keep_parts, Progress& progress);

/// The clips that could not be used when `table` was written, and what the dataset rejects; empty if there is no table,
/// or if it is not the whole table of these features and clips.
std::optional<std::vector<Fault>> faults_of_table(const std::filesystem::path& table, const Dataset& dataset,
                                                  const FeatureSet& set);

}  // namespace genrewise
