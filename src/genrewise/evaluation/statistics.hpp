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

/// The 95 % interval of a mean if the sampling units are groups of examples (artists).
struct GroupedInterval {
  double low = 0, high = 0;
  std::size_t groups = 0;
};

/// The interval, or why it is withheld.
struct GroupedEstimate {
  std::optional<GroupedInterval> interval;
  std::string withheld;
};

inline constexpr int kBootstrapRounds = 2000;

/// Cluster bootstrap: draws the groups with replacement, `rounds` times, and returns the mean of every column over the
/// examples of the drawn groups as [column][round]; the draws are the same for all columns, so that means of two
/// columns may be compared round by round. columns[c][i]: value of example i; groups[i]: its group.
std::vector<std::vector<double>> bootstrap_means(const std::vector<std::vector<float>>& columns,
                                                 std::span<const std::string> groups, std::uint64_t seed,
                                                 int rounds = kBootstrapRounds);

/// The middle 95 % of a bootstrap distribution (percentile interval), for `values` of examples in these groups.
/// Withheld where the method is degenerate: fewer than 10 groups, or fewer than `fewest_deviating` groups of which an
/// example differs from the most frequent value, as if nearly all are right; resampling then understates the
/// uncertainty.
GroupedEstimate grouped_interval(const std::vector<float>& values, std::span<const std::string> groups,
                                 std::vector<double> means, std::size_t fewest_deviating = 5);

/// The interval of the share of hits over groups. Also withheld if no group has two examples: Wilson's interval
/// applies. hits[i]: whether example i is predicted correctly; groups[i]: its group.
GroupedEstimate cluster_bootstrap(const std::vector<bool>& hits, std::span<const std::string> groups,
                                  std::uint64_t seed);

/// Comparison of two models on the same examples.
struct PairedComparison {
  std::size_t only_first = 0, only_second = 0;  ///< examples that only one of them predicts correctly
  double p_value = 1;                           ///< two-sided exact McNemar test (binomial)
};
PairedComparison mcnemar(const std::vector<bool>& first_hits, const std::vector<bool>& second_hits);

/// Linear interpolation between order statistics, as numpy.quantile does. `values`: sorted, at least one.
double quantile(const std::vector<double>& values, double q);

/// Adjusts p-values for the number of tests, in their order (Holm, 1979).
std::vector<double> holm(const std::vector<double>& p_values);

}  // namespace genrewise
