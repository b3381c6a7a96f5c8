// Selection and merging of genres, and the hierarchy of genres that a dataset states in a genres.csv as FMA's.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "genrewise/dataset/split.hpp"

namespace genrewise {

/// Members are named after the command-line options, which errors name.
struct GenreConfig {
  /// --merge, "Trip-Hop=Electronic": examples of the first genre count as the second. Several may name one target.
  std::vector<std::string> merge{};
  /// --min-groups: genres with fewer groups are left out.
  std::size_t min_groups = 0;
  /// What --min-groups counts: groups by artist, album or file, as in a grouped split; false: files, as in a random
  /// split.
  bool by_artist = true;
  /// The genre that a genre is a part of. One with too few groups counts as that genre instead of being left out.
  std::map<std::string, std::string> parents{};
  friend bool operator==(const GenreConfig&, const GenreConfig&) = default;
};

struct GenreSelection {
  std::vector<std::string> labels;  ///< remaining genres, sorted by name
  std::vector<int> label_of;        ///< per example, index into labels; -1: its genre is left out
  std::vector<std::string> notes;   ///< sentences about merged and left-out genres, with counts
};

/// Merges genres, then counts small ones as their parents, then leaves out small ones. Throws Error for a genre that
/// does not exist (listing those that do), one that is merged into two others or into one that is merged itself, and if
/// no genre is left.
GenreSelection select_genres(const SplitSubjects& subjects, const GenreConfig& config);

/// Top-level genre of each label, from genres.csv (columns genre_id, parent, title, top_level) in the folder, in its
/// fma_metadata/, or beside the file; letter case is ignored. Labels that the file does not contain are their own
/// parent. Empty if there is no such file, if it has other columns, and if every label is its own parent (FMA's labels
/// are top-level genres). Throws Error if the file cannot be read.
std::map<std::string, std::string> genre_tree(const std::filesystem::path& location,
                                              const std::vector<std::string>& labels);

}  // namespace genrewise
