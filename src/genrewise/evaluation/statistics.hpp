// How sure a score is, and whether two differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace genrewise {

/// A share of n examples with its 95 % interval.
struct Score {
  double value = 0, low = 0, high = 0;
  std::size_t n = 0;
};

/// hits of n with Wilson's score interval (Wilson, 1927), which stays inside [0, 1] and is sound for small n. It takes
/// the examples as independent. n = 0 gives {0, 0, 1, 0}: nothing is known.
Score wilson_score(std::size_t hits, std::size_t n);

/// The 95 % interval of a share when not examples but groups of them (artists) are drawn from the world.
struct GroupedInterval {
  double low = 0, high = 0;
  std::size_t groups = 0;
};

/// Percentile cluster bootstrap: `rounds` times as many groups as there are, drawn with replacement; the interval holds
/// the middle 95 % of the shares. hits[i] says whether example i was right, groups[i] whose it is. Nothing where there
/// are fewer than two groups, or no group with two examples (then it would only repeat Wilson's interval).
std::optional<GroupedInterval> cluster_bootstrap(const std::vector<bool>& hits, std::span<const std::string> groups,
                                                 std::uint64_t seed, int rounds = 2000);

/// Two models on the same examples.
struct PairedComparison {
  std::size_t only_first = 0, only_second = 0;  ///< examples that just one of them has right
  double p_value = 1;                           ///< two-sided exact McNemar test (binomial)
};
PairedComparison mcnemar(const std::vector<bool>& first_hits, const std::vector<bool>& second_hits);

}  // namespace genrewise
