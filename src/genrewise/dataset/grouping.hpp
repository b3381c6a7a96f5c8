// For splits and genres: which examples must stay together, and how such groups are dealt out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "genrewise/dataset/split.hpp"

namespace genrewise {

struct Groups {
  std::vector<std::size_t> group_of;              ///< per example
  std::vector<std::vector<std::size_t>> members;  ///< per group; both in an order that only the ids decide
  const SplitSubjects& subjects;
  bool by_artist;

  /// How many groups hold an example of each label.
  std::vector<std::size_t> per_label() const;
};

/// Examples of one file stay together; by_artist: those of one artist or album too, directly or through others.
Groups make_groups(const SplitSubjects& subjects, bool by_artist);

/// The bin (index into shares) of each example, groups whole, genres spread in proportion to the shares. No bin is
/// empty, and every genre is in at least `spread` bins; throws Error naming the genre that has too few groups for it.
std::vector<std::size_t> distribute(const Groups& groups, const std::vector<double>& shares, std::size_t spread,
                                    std::uint64_t seed);

}  // namespace genrewise
