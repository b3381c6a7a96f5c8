// Confidence intervals and paired tests.
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

/// Share of hits in n with Wilson's score interval (Wilson, 1927), which stays inside [0, 1] and is valid for small n.
/// Assumes independent examples. n = 0 gives {0, 0, 1, 0}.
Score wilson_score(std::size_t hits, std::size_t n);

/// The 95 % interval of a share if the sampling units are groups of examples (artists).
struct GroupedInterval {
  double low = 0, high = 0;
  std::size_t groups = 0;
};

/// Percentile cluster bootstrap: draws the groups with replacement, `rounds` times; the interval contains the middle 95
/// % of the shares. hits[i]: whether example i is predicted correctly; groups[i]: its group. Empty if there are fewer
/// than two groups, or if no group has two examples (Wilson's interval applies then).
std::optional<GroupedInterval> cluster_bootstrap(const std::vector<bool>& hits, std::span<const std::string> groups,
                                                 std::uint64_t seed, int rounds = 2000);

/// Comparison of two models on the same examples.
struct PairedComparison {
  std::size_t only_first = 0, only_second = 0;  ///< examples that only one of them predicts correctly
  double p_value = 1;                           ///< two-sided exact McNemar test (binomial)
};
PairedComparison mcnemar(const std::vector<bool>& first_hits, const std::vector<bool>& second_hits);

}  // namespace genrewise
