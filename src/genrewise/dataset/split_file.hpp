// Split files: CSV with the columns track_id,part.
#pragma once

#include <filesystem>

#include "genrewise/dataset/split.hpp"

namespace genrewise {

/// Writes one row per example, in the order of the subjects; the file appears once it is complete. Throws Error if it
/// cannot be written.
void write_split_file(const std::filesystem::path& path, const SplitSubjects& subjects, const Split& split);

/// Reads the part of each subject by its id. Rows of other ids are ignored, so that the file of a dataset also serves a
/// subset. Throws Error (with the line) for a missing column, an unknown part or a repeated id, and if a subject has no
/// row.
Split read_split_file(const std::filesystem::path& path, const SplitSubjects& subjects);

}  // namespace genrewise
