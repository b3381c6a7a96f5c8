// For fetch.cpp: extracts the demonstration music from Debian packages.
#pragma once

#include "genrewise/dataset/fetch.hpp"

namespace genrewise {

/// Each package becomes a folder of its name with the files that the CSV lists and the copyright file; the folder
/// appears once it is complete. disk_bytes: peak disk space of all packages together.
FetchResult fetch_demo(const std::filesystem::path& folder, std::uint64_t disk_bytes, Progress& progress);

}  // namespace genrewise
