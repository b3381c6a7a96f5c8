// Which genres of a dataset are used, and which of them count as one.
#pragma once

#include <string>
#include <vector>

#include "genrewise/dataset/split.hpp"

namespace genrewise {

/// Members are called as the command line's options are; errors name these options.
struct GenreConfig {
  /// --merge, "Trip-Hop=Electronic": examples of the first genre count as the second. Several may name one target.
  std::vector<std::string> merge{};
  /// --min-groups: genres with fewer groups are left out.
  std::size_t min_groups = 0;
  /// What a group is: the examples of one artist, album or file as in a grouped split; false: of one file, as in a
  /// random split.
  bool by_artist = true;
  friend bool operator==(const GenreConfig&, const GenreConfig&) = default;
};

struct GenreSelection {
  std::vector<std::string> labels;  ///< of the genres that are left, sorted by name
  std::vector<int> label_of;        ///< of each example, index into labels; -1: its genre is left out
  std::vector<std::string> notes;   ///< sentences that name what was merged and left out, with counts
};

/// Merges first, then leaves out. Throws Error for a genre that there is not (naming those that there are), one that is
/// merged into two others or into one that is merged itself, and when no genre is left.
GenreSelection select_genres(const SplitSubjects& subjects, const GenreConfig& config);

}  // namespace genrewise
