// For fetch.cpp: the demonstration music out of Debian's packages.
#pragma once

#include "genrewise/dataset/fetch.hpp"

namespace genrewise {

/// Each package becomes a folder of its name with the files that the CSV names and its copyright file; it appears when
/// it is complete. disk_bytes: the room that all packages together take while this works.
FetchResult fetch_demo(const std::filesystem::path& folder, std::uint64_t disk_bytes, Progress& progress);

}  // namespace genrewise
