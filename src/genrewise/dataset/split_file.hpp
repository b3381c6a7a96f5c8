// A split as a file that people can read, keep and share: CSV with the columns track_id,part.
#pragma once

#include <filesystem>

#include "genrewise/dataset/split.hpp"

namespace genrewise {

/// One row per example, sorted as the subjects are. The file appears only when complete. Throws Error.
void write_split_file(const std::filesystem::path& path, const SplitSubjects& subjects, const Split& split);

/// The part of each subject by its id. Rows of other ids are passed over, so that one file serves a dataset and a part
/// of it. Throws Error (with the line) for a missing column, an unknown part or an id that stands twice, and when a
/// subject has no row.
Split read_split_file(const std::filesystem::path& path, const SplitSubjects& subjects);

}  // namespace genrewise
