// For splits and genres: groups of examples that must stay together, their assignment to parts, and the completion of a
// split that the data states in part.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "genrewise/dataset/split.hpp"

namespace genrewise {

struct Groups {
  std::vector<std::size_t> group_of;              ///< per example
  std::vector<std::vector<std::size_t>> members;  ///< per group; the order of both depends on the ids only
  const SplitSubjects& subjects;
  bool by_artist;

  /// Number of groups with an example of each label.
  std::vector<std::size_t> per_label() const;
};

/// Groups examples of one file; by_artist: also those of one artist or album, transitively.
Groups make_groups(const SplitSubjects& subjects, bool by_artist);

/// Bin (index into shares) of each example. Groups stay whole, and genres are spread in proportion to the shares. No
/// bin is empty, and every genre is in at least `spread` bins; throws Error that names a genre with too few groups.
std::vector<std::size_t> distribute(const Groups& groups, const std::vector<double>& shares, std::size_t spread,
                                    std::uint64_t seed);

/// Keeps the stated parts and carves missing ones out of training, as described at make_split() for `automatic`. The
/// result has the given `scheme`. Throws Error if a part must be carved out and no group of examples can leave
/// training.
Split complete_split(const SplitSubjects& subjects, const std::vector<std::optional<Part>>& stated, SplitScheme scheme,
                     const SplitConfig& config);

}  // namespace genrewise
