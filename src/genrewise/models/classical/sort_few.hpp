// Sorts few integers by counting, without branches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace genrewise {

inline constexpr std::size_t kMostSortedFew = 64;

/// Sorts at most kMostSortedFew different integers, none of which is the largest of its type: the position of each is
/// the number of smaller ones. `keys` has space for kMostSortedFew.
void sort_few(std::int32_t* keys, std::size_t count);

}  // namespace genrewise
