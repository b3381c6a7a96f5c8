// The hierarchy of genres that a dataset states in a genres.csv as FMA's.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace genrewise {

/// Top-level genre of each label, from genres.csv (columns genre_id, parent, title, top_level) in the folder, in its
/// fma_metadata/, or beside the file; letter case is ignored. Labels that the file does not contain are their own
/// parent. Empty if there is no such file, if it has other columns, and if every label is its own parent (FMA's labels
/// are top-level genres). Throws Error if the file cannot be read.
std::map<std::string, std::string> genre_tree(const std::filesystem::path& location,
                                              const std::vector<std::string>& labels);

}  // namespace genrewise
